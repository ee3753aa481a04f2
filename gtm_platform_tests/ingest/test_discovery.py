"""Sources are discovered: a new one is one package, and nobody else names it."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

import gtm_platform
from gtm_platform import sources
from gtm_platform.cli.environment import env_example
from gtm_platform.ingest.assets import definitions_of
from gtm_platform.ingest.discovery import discover, discover_sources
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.sandbox.kit.emulator import discover as discover_emulators
from gtm_platform.settings import settings
from gtm_platform_tests.ingest.syncing import RULES

ROOT = Path(gtm_platform.__file__).parent

AVIARY = '''
"""An aviary: a whole source in one module."""

import json
from contextlib import contextmanager

from pydantic import Field

from gtm_platform.ingest.record import Id, Instant, MaybeText, Record, at
from gtm_platform.ingest.source import Schedule, Source, Stream
from gtm_platform.settings import Secret, SystemSettings


class AviarySettings(SystemSettings):
    title, where, permissions, when_refused = "Aviary", "at the gate", "to look", "Come back tomorrow."
    required_env = ("AVIARY_TICKET",)

    aviary_ticket: Secret = Field(default=None, description="Ticket of the day.")


class Bird(Record):
    """A bird in the aviary."""

    id: Id = at("id", default=..., about="Its ring.")
    name: MaybeText = at("name", about="What it is called.")
    seen_at: Instant = at("seen_at", default=..., about="When it was last seen.")


@contextmanager
def connect(settings):
    yield settings.aviary_ticket.get_secret_value()


def birds(ticket, window):
    seen = window.end.timestamp() - 60
    yield [json.dumps({"id": ring, "name": ticket, "seen_at": seen}).encode() for ring in ("ring-1", "ring-2")]


SOURCE = Source(
    "aviary",
    Schedule(24, minute=45),
    AviarySettings,
    connect,
    lambda ticket: f"ticket {ticket}",
    (Stream("birds", Bird, birds, cursor_field="seen_at"),),
    about="Birds.",
)
'''


@pytest.fixture
def aviary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One package, in a folder that joins those of the sources."""
    package = tmp_path / "more" / "aviary"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "source.py").write_text(AVIARY)
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(package.parent)])
    yield
    for name in [name for name in sys.modules if name.startswith("gtm_platform.sources.aviary")]:
        del sys.modules[name]
    if hasattr(sources, "aviary"):
        del sources.aviary


def test_the_sources_are_the_packages_that_declare_one() -> None:
    packages = {path.parent.name for path in (ROOT / "sources").glob("*/source.py")}
    assert {source.name for source in discover_sources()} == packages
    assert [source.name for source in discover_sources()] == sorted(packages)


@pytest.mark.usefixtures("aviary")
def test_a_new_source_is_one_package(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {source.name: source for source in discover_sources()}["aviary"]
    assert found.off() == "aviary is off: set AVIARY_TICKET (see .env.example)"
    monkeypatch.setenv("AVIARY_TICKET", "42")
    monkeypatch.setenv("GTM_NOW", "2026-03-02T00:50:00+00:00")
    settings.cache_clear()
    definitions = definitions_of(found, lambda: RULES)
    (schedule,) = definitions.schedules or ()
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert (schedule.name, schedule.cron_schedule) == ("aviary_schedule", "45 0 * * *")
    result = dg.materialize(
        [*(definitions.assets or ())], partition_key="2026-03-01", resources={"lake": LakeResource()}
    )
    assert result.success
    rows = the_lake().as_of("aviary/birds", "9999").order_by("id").select("id", "name").to_pyarrow().to_pylist()
    assert rows == [{"id": "ring-1", "name": "42"}, {"id": "ring-2", "name": "42"}]
    assert "# Ticket of the day.\nAVIARY_TICKET=\n" in env_example()


@pytest.mark.usefixtures("aviary")
def test_a_package_that_names_its_source_otherwise_is_refused(tmp_path: Path) -> None:
    module = tmp_path / "more" / "aviary" / "source.py"
    module.write_text(AVIARY.replace('"aviary"', '"zoo"'))
    with pytest.raises(TypeError, match=r"sources\.aviary declares a source named 'zoo'; name it 'aviary'"):
        discover_sources()


def test_what_has_no_such_module_is_passed_over() -> None:
    assert discover("gtm_platform.sources", "no_such_module", "SOURCE") == {}


def test_no_source_knows_the_policy() -> None:
    knowing = [
        str(path.relative_to(ROOT))
        for room in ("sources", "ingest")
        for path in sorted((ROOT / room).rglob("*.py"))
        if any(module.startswith("gtm_platform.policy") for module in _imports(path))
    ]
    assert knowing == []


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


# Where the name of a system may stand outside of its own packages, and why. The list only gets shorter.
ALLOWED = {
    "demo/": "tells a story about the sandbox's systems and compares with what they hold",
    "cli/__init__.py": "the texts of the commands name the systems of the sandbox and of gtm undo",
    "cli/accounts.py": "the texts of gtm accounts say what an account is in each system",
    "cli/alert": "what is said in Slack, on a terminal",
    "cli/canary": "says in which systems canaries are made",
    "cli/enrich.py": "examples of providers",
    "cli/erase.py": "examples of records",
    "cli/hot_path.py": "the hot path delivers to HubSpot",
    "cli/hubspot": "the texts of gtm hubspot, and what it prints",
    "cli/identity.py": "examples of records",
    "cli/init.py": "examples of systems, and where nothing is written",
    "cli/sandbox.py": "the texts of gtm sandbox name the systems of the sandbox",
    "cli/schema.py": "examples of tables",
    "cli/ui.py": "says what the sandbox's front page shows",
    "automation/hubspot_deliveries.py": "reads the journal of HubSpot",
    "automation/ops_notifications.py": "notifies the data team in Slack",
    "automation/waiting_alerts.py": "alerts wait for Slack",
    "settings.py": "says what the address of the UI is for",
    "state/": "the journals of HubSpot and Slack, whose tables are named so",
    "http/compat.py": "the clients of HubSpot and Slack that it wraps",
    "http/errors.py": "a comment says whose headers differ",
    "http/pagination.py": "a comment says whose paging it is",
    "http/redaction.py": "whose keys look how",
    "privacy/receipt.py": "what was posted is counted in the journal of Slack",
    "policy/": "the rules of billing, of caps and of deliveries are named by the system they are about",
    "ingest/market_feeds.py": "channels, in which the use of a competitor shows, and examples",
    "market/competitors.py": "channels, in which the use of a competitor shows",
    "core/events.py": "conversations are read from one system so far",
    "core/message_tone.py": "conversations are read from one system so far",
    "core/support.py": "conversations and tickets are read from one system so far",
    "core/pipeline.py": "deals are read from one system so far",
    "intelligence/forecasts/pipeline_deals.py": "deals are read from one system so far",
    "intelligence/leads/outcomes.py": "deals are read from one system so far",
    "intelligence/activity/": "deals, conversations and the log of sales are read from one system each so far",
    "intelligence/competition/competitor_": "deals are read from one system so far",
    "quality/baseline.py": "the factors of a week's days",
    "unified/companies.py": "a lead source is called competitor_research, as is a source of files",
    "dashboard/customer_timeline.py": "shows what was written to HubSpot",
    "dashboard/hubspot.py": "shows what was written to HubSpot",
    "dashboard/revenue_movements.py": "names definitions of MRR by whose they are",
    "dashboard/links.py": "links to the pages of three systems",
    "dashboard/pages/data_health.py": "shows what was written to HubSpot",
    "intelligence/effect/success.py": "counts what was written to HubSpot",
    "health/recomputation.py": "names the sections of the policy",
    "reports/": "are posted to Slack",
    "serving/": "shows what was written to HubSpot and posted to Slack",
    "delivery/": "the rooms of the destinations, and what they share",
}
SYSTEMS = {source.name for source in discover_sources()} | {emulator.name for emulator in discover_emulators()}
SYSTEM = re.compile(f"(?<![a-z])({'|'.join(sorted(SYSTEMS))})(?![a-z])", re.IGNORECASE)


def test_every_system_is_looked_for() -> None:
    """Those that are read, and those that are written to, each of which the sandbox plays."""
    assert {"hubspot", "intercom", "stripe", "slack", "chroma_admin", "posthog"} < SYSTEMS
    assert all(SYSTEM.search(f'"{name}"') for name in SYSTEMS)
    assert not SYSTEM.search("ordinary, stripes, orbit")


def test_no_list_of_systems_stands_anywhere_else() -> None:
    own = ("sources/", "sandbox/")
    named = [
        name
        for path in sorted(ROOT.rglob("*.py"))
        if not (name := str(path.relative_to(ROOT))).startswith((*own, *ALLOWED)) and SYSTEM.search(path.read_text())
    ]
    assert named == [], "name systems only in their own packages, or say in ALLOWED why it must be here"


@pytest.mark.parametrize("allowed", ALLOWED)
def test_what_is_allowed_is_needed(allowed: str) -> None:
    paths = [path for path in ROOT.rglob("*.py") if str(path.relative_to(ROOT)).startswith(allowed)]
    assert any(SYSTEM.search(path.read_text()) for path in paths), f"{allowed} names no system any more: strike it off"
