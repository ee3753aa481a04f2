"""Everything fails that can, with keys and people that are easily recognised; then all that was written is searched for
them: Dagster's events and compute logs, the state, the lake, the sandbox, what was printed."""

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from gtm_platform_tests.faults.canaries import CANARIES
from gtm_platform_tests.faults.running import InTrouble, everything_failing
from gtm_platform_tests.faults.traces import occurrences, texts

pytestmark = pytest.mark.soak


@dataclass(frozen=True)
class Troubled:
    """The home of a process in which everything failed, and its runs by trouble: which succeeded."""

    home: Path
    outcomes: dict[str, dict[str, bool]]
    people: frozenset[str]
    secrets: frozenset[str]
    traces: list[tuple[str, str]]  # all that was written there

    @property
    def history(self) -> list[tuple[str, str]]:
        """What Dagster wrote."""
        return [(place, text) for place, text in self.traces if place.startswith("dagster/")]


@pytest.fixture(scope="module")
def in_trouble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InTrouble]:
    home, told = tmp_path_factory.mktemp("troubled"), tmp_path_factory.mktemp("told") / "told.json"
    with everything_failing(home, told) as process:
        yield process


@pytest.fixture(scope="module")
def troubled(in_trouble: InTrouble) -> Troubled:
    assert in_trouble.process.wait(600) == 0, in_trouble.printed.read_text()[-3000:]
    told = json.loads(in_trouble.report.read_text())
    return Troubled(
        in_trouble.home,
        told["runs"],
        frozenset(told["people"]),
        in_any_form(told["secrets"]),
        list(texts(in_trouble.home)),
    )


def forms(secret: str) -> set[str]:
    charge_owner = base64.b64encode(f"Bearer {secret}".encode()).decode().rstrip("=")
    return {secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode().rstrip("="), charge_owner}


def variants(secret: str) -> set[str]:
    """The key, what `trouble` makes of it, and the longer piece of one that is broken."""
    return {secret, secret.swapcase(), secret[12:]} if len(secret) > 24 else {secret}


def in_any_form(secrets: Iterable[str]) -> frozenset[str]:
    return frozenset(form for secret in secrets for variant in variants(secret) for form in forms(variant))


def test_all_of_it_went_wrong_where_it_should(troubled: Troubled) -> None:
    assert all(troubled.outcomes["none"].values())
    troubles = {trouble: ran for trouble, ran in troubled.outcomes.items() if trouble != "none"}
    assert len(troubles) > 15
    # A delivery that has nothing to ask goes through whatever is wrong outside.
    assert [trouble for trouble, ran in troubles.items() if sum(ran.values()) > (len(ran) > 1)] == []


@pytest.mark.faults("V3")
def test_no_secret_is_written_anywhere(troubled: Troubled) -> None:
    assert in_any_form(CANARIES.values()) < troubled.secrets | in_any_form([CANARIES["CANARY_PASSWORD"]])
    assert occurrences(troubled.traces, troubled.secrets | in_any_form([CANARIES["CANARY_PASSWORD"]])) == []


@pytest.mark.faults("V3")
def test_dagster_keeps_nothing_about_people(troubled: Troubled) -> None:
    assert len(troubled.people) > 100
    assert occurrences(troubled.history, troubled.people) == []


def test_the_search_looks_everywhere(troubled: Troubled) -> None:
    """Else nothing found would mean nothing."""
    places = {place.partition(": ")[0] for place, _ in troubled.traces}
    for ending in (".err", ".out", "state.db", ".parquet", "printed.txt", "writes.jsonl", "runs.db"):
        assert any(place.endswith(ending) for place in places), ending
    tables = {place.partition(": ")[2] for place, _ in troubled.history}
    assert {"event_logs", "runs", "snapshots"} <= tables
    assert {place.split("/")[0] for place, _ in occurrences(troubled.traces, troubled.people)} == {
        "lake",
        "sandbox",
        "serving",
    }


def test_a_secret_that_is_written_is_found(troubled: Troubled) -> None:
    for run in troubled.outcomes["none"]:
        log = next((troubled.home / "dagster").rglob(f"{run}.db"))
        assert occurrences(texts(log.parent), [run])
    secret = CANARIES["CANARY_PASSWORD"]
    planted = troubled.home / "planted"
    planted.mkdir()
    for number, form in enumerate(sorted(forms(secret))):
        (planted / f"{number}.txt").write_text(f"…{form}…")
    assert {hit for _, hit in occurrences(texts(planted), in_any_form([secret]))} == forms(secret)
