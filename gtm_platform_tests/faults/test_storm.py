"""Of the two homes, the one where everything went wrong and the one that was left in peace, both hold the same rows in
the end, and HubSpot and Slack were told the same, once."""

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from gtm_platform.delivery.alerts.wording import REPEAT
from gtm_platform_tests.e2e.home import frame
from gtm_platform_tests.faults.end_to_end_runs import FIRST, READ, STORM, WRITTEN, Life, live

pytestmark = pytest.mark.soak

OWN_IDS = ("gtm_company_id", "gtm_customer_id")
LOST = ("reset", "cut")  # the write was done, the answer does not tell
# A message is looked up after its first lost answer and recognised: it may not be posted again, so not cut either.
SPARED = ("slack", WRITTEN["slack"], "cut")


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Life, Life]:
    """Lived in a process of their own: Dagster and the engine keep much for as long as theirs lasts."""
    quiet_worlds, stormy = (tmp_path_factory.mktemp(name) for name in ("calm", "stormy"))
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(live, quiet_worlds, stormy=False).result(), process.submit(
            live, stormy, stormy=True
        ).result()


def changes(life: Life) -> Counter[tuple[str, str, str]]:
    """Each time that a deed gave an object's property a value that it did not have."""
    held: dict[tuple[str, str], str] = {}
    found = Counter[tuple[str, str, str]]()
    saved = [deed["write"] for deed in life.writes if deed["system"] == "hubspot" and deed["write"]["do"] == "save"]
    for record in (record for deed in saved for record in deed["records"]):
        values = record["properties"]
        id = record["id"] or next(values[name] for name in OWN_IDS if name in values)  # of one that is created
        for name, value in values.items():
            if held.get((id, name)) != value:
                held[id, name] = value
                found[id, name, value] += 1
    return found


def test_every_fault_struck(lives: tuple[Life, Life]) -> None:
    _, stormy = lives
    assert len(stormy.faults) == len(READ) * (len(STORM) + 1) + len(WRITTEN) * len(STORM)
    assert {what for what, hits in stormy.faults.items() if hits == 0} <= {SPARED}
    assert stormy.waited > 10  # they were waited out


@pytest.mark.faults("S1", "S3", "S5", "S10", "S11", "P1")
def test_the_rows_are_those_of_a_home_left_in_peace(lives: tuple[Life, Life]) -> None:
    quiet_worlds, stormy = lives
    assert quiet_worlds.failures == []
    assert len(quiet_worlds.rows) > 50
    assert sum(map(len, quiet_worlds.rows.values())) > 1_000
    assert stormy.rows.keys() == quiet_worlds.rows.keys()
    assert [where for where, rows in quiet_worlds.rows.items() if stormy.rows[where] != rows] == []


@pytest.mark.faults("P1", "P23")
def test_what_could_be_seen_meanwhile_was_whole(lives: tuple[Life, Life]) -> None:
    quiet_worlds, stormy = lives
    assert stormy.seen, "no run failed, so nothing was seen in between"
    partial = [where for seen in stormy.seen for where, rows in seen.items() if quiet_worlds.rows[where] != rows]
    assert partial == []
    assert list((stormy.home / "lake").glob("*/*/.*.parquet")) == []  # and no draft was left


@pytest.mark.faults("P1")
def test_no_record_is_there_twice(lives: tuple[Life, Life]) -> None:
    _, stormy = lives
    for table in ("hubspot/contacts", "hubspot/companies", "hubspot/deals"):
        ids = frame(stormy.home, table, FIRST)["id"]
        assert len(ids) > 5
        assert ids.is_unique


def test_what_came_in_is_stored_or_set_aside(lives: tuple[Life, Life]) -> None:
    for life in lives:
        aside = frame(life.home, "quarantine/hubspot_companies", FIRST)
        stored = set(frame(life.home, "hubspot/companies", FIRST)["id"])
        [[record, reason]] = aside[["record_id", "reason"]].to_numpy().tolist()
        assert reason.startswith("properties.numberofemployees: int_")
        assert record not in stored
        assert stored | {record} == life.companies


def test_every_failure_was_a_sentence(lives: tuple[Life, Life]) -> None:
    _, stormy = lives
    assert stormy.failures
    assert [failure for failure in stormy.failures if "Stack Trace" in failure] == []


def test_every_run_ended(lives: tuple[Life, Life]) -> None:
    assert [life.unfinished for life in lives] == [0, 0]


@pytest.mark.faults("D5", "D6")
def test_hubspot_was_given_each_value_once(lives: tuple[Life, Life]) -> None:
    quiet_worlds, stormy = map(changes, lives)
    assert len(quiet_worlds) > 50
    assert stormy == quiet_worlds
    assert set(stormy.values()) == {1}


@pytest.mark.faults("D15", "D16")
def test_slack_was_told_each_thing_once_though_answers_were_lost(lives: tuple[Life, Life]) -> None:
    quiet_worlds, stormy = lives
    marks = [[deed["metadata"]["event_payload"]["fingerprint"] for deed in life.slack_writes] for life in lives]
    assert marks[0]
    assert marks[1] == marks[0]
    assert sum(stormy.faults["slack", WRITTEN["slack"], kind] for kind in LOST)
    assert not any(deed["text"].startswith(REPEAT) for deed in (*quiet_worlds.slack_writes, *stormy.slack_writes))


def test_the_last_day_once_more_changes_nothing_and_sends_nothing(lives: tuple[Life, Life]) -> None:
    _, stormy = lives
    assert [where for where, rows in stormy.rows.items() if stormy.rows_again[where] != rows] == []
    assert stormy.writes_again == stormy.writes
