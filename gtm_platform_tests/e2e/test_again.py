"""Everything can be done twice: the same rows, nothing sent again; and a range is one run."""

import shutil
from collections import Counter
from datetime import timedelta

import dagster as dg
import pytest

from gtm_platform.sandbox.server import Sandbox
from gtm_platform.sources.assets import SCHEDULED
from gtm_platform_tests.e2e.conftest import DAYS, Lived
from gtm_platform_tests.e2e.home import (
    Control,
    contents,
    execute,
    failure_of,
    file_of,
    frame,
    made,
    midnight,
    turn_clocks,
    windows_of,
)

MARTS = ["core/activity", "core/pipeline"]
FEW_TABLES = ["identity/links", "core/revenue", "health/customer_health", "core/unified_customers"]

# Streams that are only ever read whole show what there is when they are read.
AS_OF_READING = {
    source.table(stream) for source in SCHEDULED for stream in source.streams if stream.sync_mode == "full_refresh"
} | {"chroma_admin/daily_usage", "listkit_admin/daily_usage"}  # panels correct the figures of a day after it


def changed(before: dict[tuple[str, str], list[str]], after: dict[tuple[str, str], list[str]]) -> list[tuple[str, str]]:
    """The partitions of which rows came, went or changed."""
    return sorted(where for where in before.keys() | after.keys() if before.get(where) != after.get(where))


def landed(instance: dg.DagsterInstance, table: str) -> list[str | None]:
    """The partitions that the instance has seen materialised, in order."""
    found = instance.fetch_materializations(dg.AssetKey(table.split("/")), limit=1000, ascending=True)
    return [record.partition_key for record in found.records]


def test_the_newest_day_lived_twice_gives_the_same_rows(lived: Lived) -> None:
    first, second = (demo.rows for demo in lived.demos)
    assert len(first) > 50
    assert changed(first, second) == []


def test_a_past_day_made_again_gives_the_same_rows(at_home: Lived) -> None:
    before, day = contents(at_home.home), str(DAYS[1])
    old = {table: file_of(at_home.home, table, day) for table in FEW_TABLES}
    ran = execute(at_home.dagster, "daily_tables", day)
    assert ran.success, failure_of(ran)
    assert all(file_of(at_home.home, table, day) > path for table, path in old.items())  # they were really made
    assert changed(before, contents(at_home.home)) == []


@pytest.mark.long
def test_past_windows_read_again_give_the_same_rows(copied: Lived) -> None:
    """Also when the API has moved on since; but for what Intercom changes without saying that the contact moved.

    In a copy: a stream that is only read whole has its present state in the past window then, and the day's tables not.
    """
    but = {"intercom/contacts": ["last_contacted_at", "payload"]}
    before = contents(copied.home, but)
    for job, first, last in windows_of(DAYS[1]):
        ran = execute(copied.dagster, job, first, last)
        assert ran.success, failure_of(ran)
        assert made(ran), f"{job} read nothing"
    again = changed(before, contents(copied.home, but))
    assert [where for where in again if where[0] not in AS_OF_READING] == []


def test_a_second_delivery_of_a_day_sends_nothing(at_home: Lived) -> None:
    first = {call for call in at_home.delivered["hubspot"] if call[1].endswith("batch/update")}
    assert first, "nothing was written the first time, so nothing could be written twice"
    messages = at_home.control.ask("slack/messages")
    assert messages["messages"]
    at_home.control.forget_requests()
    ran = execute(at_home.dagster, "deliver", str(DAYS[2]))
    assert ran.success, failure_of(ran)
    asked = at_home.control.requests("hubspot")
    assert not asked, "what was agreed on is in the journal, so there is nothing to ask"
    # Whose workspace it is is asked, and reactions to alerts are read back; nothing is posted.
    assert at_home.control.requests("slack").keys() <= {
        ("POST", "/api/auth.test"),
        ("POST", "/api/conversations.history"),
    }
    assert at_home.control.ask("slack/messages") == messages
    counts = made(ran)["delivery/hubspot_contacts", None]
    assert (counts["written"], counts["held"], counts["rejected"]) == (0, 0, 0)
    assert counts["unchanged"] == counts["queried"] > 10


def test_each_day_and_the_week_are_summed_up_once(lived: Lived) -> None:
    """Each was delivered several times; the first of the days is a Sunday."""
    metadata = [message["metadata"] or {} for message in lived.control.ask("slack/messages")["messages"]]
    marks = [data["event_payload"]["fingerprint"] for data in metadata if data]
    counts = Counter(mark for mark in marks if "_summary:" in mark)
    assert counts == {f"daily_summary:{day}": 1 for day in DAYS} | {f"weekly_summary:{DAYS[0]}": 1}


def test_the_state_of_a_day_that_is_past_is_not_delivered(at_home: Lived) -> None:
    at_home.control.forget_requests()
    ran = execute(at_home.dagster, "deliver", str(DAYS[0]))
    assert ran.success
    assert {asset for asset, _ in made(ran)} == {"delivery/hubspot_writes"}  # the journal as a table, of no day
    assert at_home.control.requests("hubspot") == at_home.control.requests("slack") == {}


@pytest.mark.long
def test_a_range_of_thirty_days_is_one_run(copied: Lived) -> None:
    days = [str(DAYS[2] + timedelta(days=n)) for n in range(30)]
    for table in ("identity/links", "identity/people"):
        known = file_of(copied.home, table, days[0])
        for day in days[1:]:
            shutil.copyfile(known, known.with_name(known.name.replace(days[0], day)))
    ran = execute(copied.dagster, "daily_tables", days[0], days[-1], MARTS)
    assert ran.success, failure_of(ran)
    assert copied.dagster.get_runs_count() == 1
    assert {table: landed(copied.dagster, table) for table in MARTS} == dict.fromkeys(MARTS, days)
    first, last = (frame(copied.home, MARTS[0], day).set_index("customer_id") for day in (days[0], days[-1]))
    older = (last["days_since_seen"] - first["days_since_seen"]).dropna()
    assert len(older) > 10
    assert (older == 29).all()  # each day is made as of itself


def test_a_range_of_windows_of_what_only_grows_is_one_run(
    box: Sandbox, dagster: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`stripe/charges`: its whole past comes with the first window, each later one holds what came in it."""
    control = Control(box.url)
    turn_clocks(monkeypatch, box, midnight(DAYS[1]) + timedelta(days=9))
    days = [str(DAYS[0] + timedelta(days=n)) for n in range(10)]
    control.forget_requests()
    ran = execute(dagster, "sync_stripe", days[0], days[-1], ["stripe/charges"])
    assert ran.success, failure_of(ran)
    assert dagster.get_runs_count() == 1
    assert landed(dagster, "stripe/charges") == days
    rows = [made(ran)["stripe/charges", day]["dagster/partition_row_count"] for day in days]
    true = [charge.created for charge in box.world.stripe.charges.values()]
    assert sum(rows) == len(true)
    assert rows[0] == sum(at < midnight(DAYS[1]) for at in true) > sum(rows[1:]) > 0
    pages = control.requests("stripe")["GET", "/v1/charges"]
    assert pages == -(-len(true) // 100)  # one sweep, a hundred to a page
