"""The pages of the site that are written from declarations: all of them, each once in the navigation."""

import re
import tomllib
from typing import Any

import pytest

from gtm_platform.ingest.discovery import discover_sources
from gtm_platform.lake.contracts import TABLES
from gtm_platform_tests.docs import site
from gtm_platform_tests.docs.commands import DOCS, ROOT

POLICY = (ROOT / "gtm_platform" / "policy" / "policy.toml").read_text()


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    return site.generated()


def leaves(entries: Any) -> list[str]:
    """The pages of a part of the navigation."""
    if isinstance(entries, str):
        return [entries]
    parts = entries.values() if isinstance(entries, dict) else entries
    return [leaf for part in parts for leaf in leaves(part)]


def test_every_source_has_a_page_with_its_streams_and_variables(generated: dict[str, str]) -> None:
    for source in discover_sources():
        text = generated[f"sources/{source.name}.md"]
        assert {f"`{name.upper()}`" for name in source.settings.model_fields} <= set(re.findall(r"`[A-Z0-9_]+`", text))
        assert re.findall(r"^### (.+)$", text, re.MULTILINE) == [stream.name for stream in source.streams]


def test_every_column_of_every_table_is_in_the_dictionary(generated: dict[str, str]) -> None:
    for table, contract in TABLES.items():
        schema = table.split("/")[0]
        if schema != "quarantine":
            described = generated[f"data/{schema}.md"].split(f"\n## {table}\n")[1].split("\n## ")[0]
            assert re.findall(r"^\| `(\w+)` \|", described, re.MULTILINE) == list(contract.columns)


def test_the_rules_are_all_of_the_policy_and_nothing_else(generated: dict[str, str]) -> None:
    blocks = [
        block
        for page, text in generated.items()
        if page.startswith("rules/")
        for block in re.findall(r"```toml\n(.*?)\n```", text, re.DOTALL)
    ]
    written = tomllib.loads(POLICY)
    assert {page for page in generated if page.startswith("rules/")} == {f"rules/{name}.md" for name in written}
    lines = [line for block in blocks for line in block.splitlines() if "=" in line and not line.startswith("#")]
    assert sorted(lines) == sorted(line for line in POLICY.splitlines() if "=" in line and not line.startswith("#"))


def test_every_generated_page_and_every_runbook_is_in_the_navigation_once(generated: dict[str, str]) -> None:
    listed = leaves(site.PAGES.navigation())
    runbooks = {path.relative_to(DOCS).as_posix() for path in (DOCS / "runbooks").rglob("*.md")}
    assert sorted(listed) == sorted({*generated, *runbooks})


def test_a_cell_of_a_table_is_one_line(generated: dict[str, str]) -> None:
    for page, text in generated.items():
        bare = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        for table in re.findall(r"(?:^\|.*\n)+", bare, re.MULTILINE):
            rows = [re.sub(r"\\\|", "", row).count("|") for row in table.splitlines()]
            assert len(set(rows)) == 1, f"{page}: {table[:200]}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1. a\n\n   ```\n   gtm\n   ```\n2. b\n   c", "1. a\n\n    ```\n    gtm\n    ```\n\n2. b\n    c"),
        ("So:\n- a\n  b\n- c\n\nd", "So:\n\n- a\n    b\n\n- c\n\nd"),
        ("- a\n- b", "- a\n- b"),
        ("- a\n  - b", "- a\n    - b"),
        ("```\n- a\n  b\n```", "```\n- a\n  b\n```"),
        ("- a\nb\n  c", "- a\nb\n  c"),
    ],
)
def test_what_belongs_to_an_item_is_indented_by_four(text: str, expected: str) -> None:
    assert site.spaced(text) == expected
