"""From an event to a value in HubSpot that was read back; what is left; who is compared; what stops it."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from gtm_platform.delivery.alerts import customer_alerts
from gtm_platform.delivery.hotpath.comparing import compared
from gtm_platform.delivery.hotpath.fresher import newer_than_tables
from gtm_platform.delivery.hotpath.switch import off, set_switch
from gtm_platform.delivery.triggers.compare import Comparer, Comparison
from gtm_platform.delivery.triggers.settings import TriggerSettings
from gtm_platform.delivery.triggers.subjects import read_subjects
from gtm_platform.delivery.triggers.subscribing import Subscribing
from gtm_platform.policy import policy
from gtm_platform.serving.answers.hot_path import hot_path_now
from gtm_platform.settings import settings, settings_of
from gtm_platform.state import slack_journal
from gtm_platform.state.hot_path import hot_records, note_tables
from gtm_platform.state.trigger_outbox import newest
from gtm_platform_tests.delivery.hotpath.hot_home import DAY, TABLES_OF, TODAY, stamp
from gtm_platform_tests.delivery.hotpath.hot_room import Room, priced, signal
from gtm_platform_tests.delivery.hotpath.random_histories import charge

pytestmark = pytest.mark.soak


def test_an_event_is_in_hubspot_and_read_back_and_the_tables_say_the_same(room: Room) -> None:
    run = room.hear({"stripe/subscriptions": [priced(2, 123_400)]})
    assert run
    assert (run.outcome, run.customers, run.companies, run.sources) == ("delivered", 1, 1, "stripe"), run.reason
    assert room.contact(2)["gtm_mrr"] == "1234"
    assert room.contact(2)["gtm_health_score"]
    assert room.company(2)["chroma_cloud_mrr"] == "1234"
    for name in ("contacts", "companies"):
        reads = [call.path for call in room.api.calls if call.path.endswith(f"/{name}/batch/read")]
        assert reads, "what was written is read back"
    shown = hot_path_now(room.state, room.now)
    assert (shown.events, shown.delivered, shown.fields > 0, shown.is_stopped) == (1, 1, True, False)

    # The tables do not know it yet: a delivery of the day leaves it as it is.
    assert len(newer_than_tables(room.home.lake, DAY, room.state)) == 2
    room.deliver_everything()
    assert room.contact(2)["gtm_mrr"] == room.company(2)["chroma_cloud_mrr"] == "1234"

    # The source's run reads the window, too, and everything is computed: now it is compared, and is the same.
    room.home.change({"stripe/subscriptions": [priced(2, 123_400)]})
    assert compared(room.home.lake, room.state, DAY, TABLES_OF).waiting == 1
    room.home.compute_everything()
    found = compared(room.home.lake, room.state, DAY, TABLES_OF)
    assert (found.equal, found.different, found.waiting) == (1, {}, 0)
    of_companies = compared(room.home.lake, room.state, DAY, TABLES_OF, "companies")
    assert (of_companies.equal, of_companies.different, of_companies.waiting) == (1, {}, 0)
    assert str(room.mrr_in_tables(2)) == "1234.00"
    assert not newer_than_tables(room.home.lake, DAY, room.state)


def test_what_came_since_is_no_difference_and_a_wrong_row_is(room: Room) -> None:
    assert room.hear({"stripe/subscriptions": [priced(1, 10_000)]})
    failed = charge(Random(1), 1, 7, "failed")
    room.home.change({"stripe/subscriptions": [priced(1, 20_000)], "stripe/charges": [failed]})
    room.home.compute_everything()
    found = compared(room.home.lake, room.state, DAY, TABLES_OF)
    assert (found.equal, found.moved, found.different) == (0, 1, {})

    run = room.hear({"stripe/subscriptions": [priced(1, 30_000)]})
    assert run
    assert run.outcome == "delivered", run.reason
    room.home.change({"stripe/subscriptions": [priced(1, 30_000)]})
    room.home.compute_everything()
    revenue = room.home.lake.read_day("core/revenue", DAY)
    room.home.lake.write("core/revenue", DAY, revenue.mutate(mrr=revenue["mrr"] + 1).to_pyarrow().to_reader())
    assert room.home.made
    with room.state.writing() as tx:
        note_tables(tx, replace(room.home.made, made_by=stamp()))
    found = compared(room.home.lake, room.state, DAY, TABLES_OF)
    assert found.different
    assert {table for tables in found.different.values() for table in tables} == {"core/revenue"}


def test_a_company_whose_row_is_wrong_is_found(room: Room) -> None:
    assert room.hear({"stripe/subscriptions": [priced(1, 30_000)]})
    room.home.change({"stripe/subscriptions": [priced(1, 30_000)]})
    room.home.compute_everything()
    accounts = room.home.lake.read_day("cohorts/company_accounts", DAY)
    wrong = accounts.mutate(mrr=accounts["mrr"] + 1).to_pyarrow().to_reader()
    room.home.lake.write("cohorts/company_accounts", DAY, wrong)
    assert room.home.made
    with room.state.writing() as tx:
        note_tables(tx, replace(room.home.made, made_by=stamp()), "companies")
    judged = compared(room.home.lake, room.state, DAY, TABLES_OF, "companies")
    wrong_in = {table for tables in judged.different.values() for table in tables}
    assert wrong_in == {"cohorts/company_accounts", "core/unified_companies"}, "the second compares it with the others"
    assert "companies" in judged.sentence


def test_a_signal_of_a_company_is_on_its_record_and_said_to_who_subscribed(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIGGER_KEY", "k" * 40)
    monkeypatch.setenv("TRIGGER_SEND_ENABLED", "true")
    settings.cache_clear()
    subscribing = Subscribing(room.state, settings_of(TriggerSettings), policy().triggers, lambda: room.now, "Noor")
    subscribing.add("https://hooks.acme.example/gtm", ("market_signals",), ())
    assert day_compared(room).count == 0, "how all stand is noted"
    pushed = {"pushed_signals/signals": [signal(3, "pushed today")]}
    run = room.hear(pushed)
    assert run
    assert (run.outcome, run.customers, run.companies, run.messages) == ("delivered", 0, 1, 1), run.reason
    assert room.company(3)["in_market_signals"] == "ai_native"
    with room.state.reading() as tx:
        [message] = newest(tx, 100)
    assert message.content["after"]["market_signals"] == ["ai_native"]
    assert day_compared(room).count == 0, "older tables do not take it back"
    room.deliver_everything()
    assert room.company(3)["in_market_signals"] == "ai_native"

    room.home.change(pushed)
    room.home.compute_everything()
    judged = compared(room.home.lake, room.state, DAY, TABLES_OF, "companies")
    assert (judged.equal, judged.different, judged.waiting) == (1, {}, 0)


def test_what_holds_companies_back_leaves_customers_to_be_delivered(room: Room) -> None:
    room.worker.company_gate = lambda _day: ["the check keys of core/unified_companies failed"]
    run = room.hear({"stripe/subscriptions": [priced(4, 5_000)]})
    assert run
    assert (run.outcome, run.companies, run.left) == ("delivered", 0, {"company_gate": 1}), run.reason
    assert room.contact(4)["gtm_mrr"] == "50"
    assert room.company(4).get("chroma_cloud_mrr") != "50"

    room.worker.company_gate = lambda _day: ()
    accounts = room.home.lake.read_day("cohorts/company_accounts", DAY)
    room.home.lake.write("cohorts/company_accounts", DAY, accounts.to_pyarrow().to_reader())
    run = room.hear({"stripe/subscriptions": [priced(4, 6_000)]})
    assert run
    assert (run.outcome, run.companies, run.left) == ("delivered", 0, {"companies_not_made": 1}), run.reason


def test_it_is_stopped_and_goes_on_when_it_may(room: Room) -> None:
    set_switch(room.state, is_on=False, reason="it was wrong.", by="a check", at=room.now)
    assert "it was wrong" in (off(room.state) or "")
    assert room.hear({"stripe/subscriptions": [priced(3, 5_000)]}) is None
    assert room.contact(3).get("gtm_mrr") != "50"
    assert hot_path_now(room.state, room.now).is_stopped
    set_switch(room.state, is_on=True, reason="mended", by="me", at=room.now)
    assert room.worker.step() is None, "what came meanwhile is left to the tables"
    run = room.hear({"stripe/subscriptions": [priced(3, 6_000)]})
    assert run
    assert (run.outcome, run.events, room.contact(3)["gtm_mrr"]) == ("delivered", 1, "60")


@pytest.mark.parametrize("case", ["gate", "identity", "whole"])
def test_what_is_left_to_the_tables_is_counted(room: Room, case: str) -> None:
    if case == "gate":
        room.gate = ["the check keys of core/revenue failed"]
        run = room.hear({"stripe/subscriptions": [priced(4, 5_000)]})
    elif case == "identity":
        moved = room.home.records["stripe/customers"]["s4"] | {"email": "p5@firm5.example"}
        run = room.hear({"stripe/subscriptions": [priced(4, 5_000)], "stripe/customers": [moved]})
    else:
        room.home._write(room.home.lake, "stripe/subscriptions", f"{DAY}", [priced(4, 5_000)], full=True)
        run = room.hear({"stripe/charges": []})
    assert run
    cause = {"gate": "gate", "identity": "identity", "whole": "read_whole"}[case]
    assert run.left.get(cause), run
    assert room.contact(4).get("gtm_mrr") != "50"
    with room.state.reading() as tx:
        assert not hot_records(tx, DAY, "customers")


def day_compared(room: Room) -> Comparison:
    """What the comparison of the day, of the tables as they are, writes for who subscribed."""
    subjects = replace(read_subjects(room.home.lake, DAY), without=newer_than_tables(room.home.lake, DAY, room.state))
    return Comparer(room.state, policy().triggers, room.now).write(subjects, "day")


def messages_of(room: Room) -> list[tuple[str, int, Any]]:
    with room.state.reading() as tx:
        messages = reversed(newest(tx, 100))
    return [(each.subject_id, each.content["sequence"], each.content["after"]) for each in messages]


@pytest.mark.parametrize("tables_first", [False, True], ids=["delivered before the tables", "with the tables at once"])
def test_who_subscribed_hears_of_a_change_once(room: Room, monkeypatch: pytest.MonkeyPatch, tables_first: bool) -> None:
    monkeypatch.setenv("TRIGGER_KEY", "k" * 40)
    monkeypatch.setenv("TRIGGER_SEND_ENABLED", "true")
    settings.cache_clear()
    subscribing = Subscribing(room.state, settings_of(TriggerSettings), policy().triggers, lambda: room.now, "Noor")
    subscribing.add("https://hooks.acme.example/gtm", ("customer_status", "health_score"), ())
    assert day_compared(room).count == 0, "how everybody stands is noted"

    run = room.hear({"stripe/subscriptions": [priced(2, 50_000, status="past_due")]})
    assert run
    assert (run.outcome, run.messages) == ("delivered", 1), run.reason
    [(customer, sequence, after)] = messages_of(room)
    assert (sequence, after["customer_status"]) == (1, "past_due")
    if not tables_first:
        assert day_compared(room).count == 0, "older tables do not take it back"
    room.home.change({"stripe/subscriptions": [priced(2, 50_000, status="past_due")]})
    room.home.compute_everything()
    assert compared(room.home.lake, room.state, DAY, TABLES_OF).equal == 1
    judged = day_compared(room)
    assert customer not in {each.subject_id for news in judged.new.values() for each in news}


def test_an_alert_by_a_customers_own_row_is_journaled_once(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"BOT_TOKEN": "xoxb-1", "ALERT_CHANNEL": "C1", "SEND_ENABLED": "true"}.items():
        monkeypatch.setenv(f"SLACK_{name}", value)
    settings.cache_clear()
    before = str(TODAY - timedelta(days=1))
    wide = room.home.lake.read_day("core/unified_customers", DAY)
    room.home.lake.write("core/unified_customers", before, wide.to_pyarrow().to_reader())

    leaving = priced(1, 20_000) | {"cancel_at_period_end": True}
    run = room.hear({"stripe/subscriptions": [leaving]})
    assert run
    kinds = tuple(customer_alerts.routed("customers"))
    with room.state.reading() as tx:
        journaled = slack_journal.waiting(tx, kinds)
    assert run.alerts == len(journaled) > 0, run
    assert "cancellation_scheduled" in {entry.kind for entry in journaled}
    assert customer_alerts.preview(room.home.lake, DAY) == journaled, "older tables do not take it back"
    room.home.change({"stripe/subscriptions": [leaving]})
    room.home.compute_everything()
    assert compared(room.home.lake, room.state, DAY, TABLES_OF).equal == 1
    customers = {entry.subject_id for entry in journaled}
    due = customer_alerts.preview(room.home.lake, DAY)
    assert [fact for fact in due if fact.subject_id in customers] == journaled
