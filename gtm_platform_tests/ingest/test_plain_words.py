"""Every system is written as its title has it, wherever names out of the data become words."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import gtm_platform
from gtm_platform.cli.environment import system_settings
from gtm_platform.delivery.hubspot.properties import option
from gtm_platform.ingest.discovery import discover_sources
from gtm_platform.ingest.plain_words import plain_words, source_titles
from gtm_platform.publish.warehouse import warehouses
from gtm_platform.serving.wording import words

ROOT = Path(gtm_platform.__file__).parent
SOURCES = discover_sources()
BRANDS = sorted({word for kind in system_settings() for word in re.findall(r"\w*[a-z][A-Z]\w*", kind.title)})
MADE_BY_HAND = re.compile(r"""replace\(["']_["'], ["'] ["']\)\.(capitalize|title)\(""")


def test_the_titles_are_those_of_the_sources() -> None:
    assert source_titles() == {source.name: source.settings.title for source in SOURCES}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_a_source_is_called_by_its_title(source) -> None:  # type: ignore[no-untyped-def]
    title = source.settings.title
    assert words(source.name) == plain_words(source.name) == option(source.name, 0)["label"] == title
    assert words(f"{source.name}_records") == f"{title} records"
    assert words(f"sync_{source.name}") == f"Sync {title}"
    assert words(f"last_{source.name}_sync") == f"Last {title} sync"


@pytest.mark.parametrize("brand", BRANDS)
def test_a_system_within_a_name_keeps_its_capitals(brand: str) -> None:
    assert words(f"seen_in_{brand.lower()}_list") == f"Seen in {brand} list"
    assert plain_words(f"{brand.lower()}_list") == f"{brand} list"


def test_the_systems_that_are_written_oddly_are_among_them() -> None:
    odd = {"BigQuery", "GitHub", "HubSpot", "LinkedIn", "ListKit", "PostHog", "YouTube", "ZoomInfo"}
    assert odd <= set(BRANDS)
    assert {"BigQuery (warehouse)"} <= {kind.title for kind in warehouses().values()}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("at_risk", "At risk"),
        ("risk_factors", "Risk factors"),  # not Factors.ai
        ("building_rag", "Building RAG"),
        ("ai_native", "AI native"),
        ("mrr_change", "MRR change"),
        ("email_claim", "Email claim"),  # has AI and AM in it, within words
        ("", "–"),
    ],
)
def test_other_names_are_words(name: str, shown: str) -> None:
    assert words(name) == shown


def test_nobody_makes_such_words_by_hand() -> None:
    """But the sandbox, which writes as the systems do that it plays."""
    files = [path for path in ROOT.rglob("*.py") if "sandbox" not in path.parts]
    assert [str(path.relative_to(ROOT)) for path in files if MADE_BY_HAND.search(path.read_text())] == []


def test_titles_are_known_without_what_reads_a_source() -> None:
    code = "import sys; from gtm_platform.ingest.plain_words import source_titles; source_titles(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True, text=True)
    assert not {f"gtm_platform.sources.{source.name}.source" for source in SOURCES} & set(done.stdout.split())
