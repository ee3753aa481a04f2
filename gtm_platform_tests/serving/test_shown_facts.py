"""What pages show besides customers and metrics: writes, checks, quarantine, changes of rules, who was saved."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import orjson
import pytest

from gtm_platform.delivery.triggers.settings import TriggerSettings
from gtm_platform.delivery.triggers.subscribing import Subscribing
from gtm_platform.health.explained_customer import explain_customer
from gtm_platform.health.explanation_text import written
from gtm_platform.health.rules import canonical
from gtm_platform.ingest.field_types import FieldTypes
from gtm_platform.ingest.quarantine import write_quarantine
from gtm_platform.ingest.record import Rejected
from gtm_platform.ingest.schema_drift import learn
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Triggers, policy
from gtm_platform.serving.snapshot import journals
from gtm_platform.serving.snapshot.build import build
from gtm_platform.serving.snapshot.hubspot_writes import HubSpotWrites
from gtm_platform.serving.snapshot.triggers import triggers_of
from gtm_platform.serving.store import Snapshot, Store
from gtm_platform.state import hubspot_journal, open_state, trigger_outbox
from gtm_platform.state.accounts import PinnedAccount, pin_account
from gtm_platform.state.hubspot_deliveries import NewDelivery, note
from gtm_platform.state.hubspot_journal import Write
from gtm_platform.state.trigger_outbox import LastSent, NewMessage
from gtm_platform_tests.first_files import linked
from gtm_platform_tests.quality.test_odd_figures import write_odd
from gtm_platform_tests.serving.world import (
    DAYS,
    FIGURES,
    MISSED_CHURNS,
    NOW,
    TODAY,
    WEEK_AGO,
    health,
    landing,
    person,
    score_changes,
    settle,
)
from gtm_platform_tests.tables import filled


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("settled") / "lake"
    settle(Lake(folder))
    return folder


@pytest.fixture
def lake(settled: Path, tmp_path: Path) -> Lake:
    return linked(settled, tmp_path / "lake")


def served(lake: Lake, folder: Path, **more: object) -> Snapshot:
    assert build(landing(lake, **more), folder) is not None
    return Store(folder).current()


def write(run: str, customer: str, name: str, before: str, after: str) -> Write:
    return Write(run, str(TODAY), "contacts", f"9{customer[-3:]}", customer, name, before, after, "health", "trace")


def test_what_was_written_to_hubspot_is_kept_by_customer(lake: Lake, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    state = open_state(url)
    first = [write("run-1", "cus_001", "gtm_mrr", "", "12"), write("run-1", "cus_001", "gtm_health_score", "", "60")]
    with state.writing() as tx:
        ids = hubspot_journal.intend(tx, first, NOW)
        hubspot_journal.receive(tx, ids, "written", NOW)
        hubspot_journal.conclude(tx, [(write("run-1", "cus_002", "gtm_mrr", "5", "5"), "")], "unchanged", NOW)
        hubspot_journal.conclude(tx, [(write("run-2", "cus_001", "gtm_mrr", "9", "13"), "edited")], "held", NOW)
    snapshot = served(lake, tmp_path / "serving", hubspot_writes=HubSpotWrites(url, "2026-01-01"))
    newest, oldest = map(orjson.loads, snapshot.hubspot_writes("cus_001"))
    assert [(field["property"], field["status"], field["reason"]) for field in newest["fields"]] == [
        ("gtm_mrr", "held", "edited")
    ]
    assert [(field["property"], field["after"]) for field in oldest["fields"]] == [
        ("gtm_health_score", "60"),
        ("gtm_mrr", "12"),
    ]
    assert snapshot.hubspot_writes("cus_002") == []
    assert list(HubSpotWrites(url, "2026-03-01")) == []
    fact = orjson.loads(snapshot.fact("hubspot"))
    assert fact["days"] == [{"day": str(TODAY), "written": 2, "held_back": 1, "rejected": 0, "unknown": 0}]
    assert fact["reasons"] == [{"object_type": "contacts", "outcome": "held_back", "reason": "edited", "fields": 1}]


def test_what_hubspot_was_not_to_get_and_what_stopped_are_shown(lake: Lake, tmp_path: Path) -> None:
    state = open_state(f"sqlite:///{tmp_path / 'state.db'}")
    held = replace(write("run-2", "cus_003", "hs_object_id", "", ""), object_id="new:cus_003")
    with state.writing() as tx:
        hubspot_journal.conclude(tx, [(replace(held, run_id="run-1"), "HubSpot has 3 such.")], "held", NOW)
        hubspot_journal.conclude(tx, [(held, "HubSpot has 2 such.")], "held", NOW)
        note(tx, NewDelivery("run-2", "contacts", str(TODAY), "delivered", {"held": 1}, "1 held", NOW))
        note(tx, NewDelivery("run-3", "companies", str(TODAY), "stopped", {"changes": 9}, "Too many.", NOW))
    snapshot = served(lake, tmp_path / "serving", hubspot_deliveries=journals.deliveries_of(state, NOW))
    contacts, companies = orjson.loads(snapshot.fact("hubspot"))["deliveries"]
    assert contacts["not_created"] == [{"record_id": "cus_003", "reason": "HubSpot has 2 such."}]
    assert (contacts["stopped"], contacts["counts"]) == (False, {"held": 1})
    assert (companies["stopped"], companies["approved"], companies["why"]) == (True, False, "Too many.")


def test_who_is_sent_which_changes_is_shown_without_address_and_secret(lake: Lake, tmp_path: Path) -> None:
    state = open_state(f"sqlite:///{tmp_path / 'state.db'}")
    own = TriggerSettings(trigger_key="k" * 32)
    deeds = Subscribing(state, own, Triggers(), lambda: NOW, "Noor")
    kept, secret = deeds.add("https://hooks.example/secret/path", ("health_status",), ("tier=scale",))
    removed, _ = deeds.add("https://gone.example/", ("cohort",), ())
    deeds.change_status(removed.id, "removed")
    message = NewMessage("msg_1", "customer.changed", "customer", "cus_001", {}, LastSent({}, 1))
    with state.writing() as tx:
        trigger_outbox.put(tx, kept.id, [message], str(TODAY), "run-1", NOW)
        trigger_outbox.bury(tx, kept.id, "It took too long.", NOW)
    text = served(lake, tmp_path / "serving", triggers=triggers_of(state)).fact("triggers")
    [shown] = orjson.loads(text)["subscriptions"]
    assert (shown["receiver"], shown["filters"], shown["dead"]) == ("hooks.example", {"tier": ["scale"]}, 1)
    assert [(each["subject_id"], each["error"]) for each in shown["dead_letters"]] == [("cus_001", "It took too long.")]
    assert b"secret" not in text
    assert secret.encode() not in text


def test_who_may_be_the_same_is_listed_with_how_one_decides(lake: Lake, tmp_path: Path) -> None:
    fact = orjson.loads(served(lake, tmp_path / "serving").fact("who_is_who"))
    assert fact["total"] == 3
    assert [(row["kind"], row["rule"], row["pairs"]) for row in fact["counts"]] == [
        ("company", "similar_name", 1),
        ("person", "held_back", 1),
        ("person", "similar", 1),
    ]
    companies, held, alike = fact["pairs"]
    assert (alike["first_name"], alike["first_address"]) == ('Person "1" O\'Ärger', "person1@firm0.example")
    assert (held["second_id"], held["second_name"], held["score"], held["reason"]) == (
        "cus_gone", None, None, "shared inbox"
    )  # fmt: skip
    assert alike["if_same"] == "gtm identity merge cus_001 cus_002 --why REASON"
    assert alike["if_not"] == "gtm identity split cus_001 cus_002 --why REASON"
    assert companies["if_same"] == "gtm identity merge com_00 com_01 --why REASON"


def test_how_true_hubspot_is_is_shown_day_by_day(lake: Lake, tmp_path: Path) -> None:
    fact = orjson.loads(served(lake, tmp_path / "serving").fact("hubspot"))
    assert [(row["day"], row["object_type"], row["wanted"]) for row in fact["truth"]] == [
        (str(day), "contacts", 100) for day in DAYS[-3:]
    ]
    newest = fact["truth"][-1]
    assert (newest["healed_values"], newest["by_person"], newest["by_workflow"]) == (6, 4, 6)
    assert newest["share"] == (2 * (44 - TODAY.day % 3) + 6) / 100
    assert fact["objective"] == 0.99


def test_accounts_are_those_of_the_home(lake: Lake, tmp_path: Path) -> None:
    state = open_state(f"sqlite:///{tmp_path / 'state.db'}")
    with state.writing() as tx:
        pin_account(tx, PinnedAccount("hubspot", "123", "HubSpot portal 123", NOW))
    snapshot = served(lake, tmp_path / "serving", accounts=journals.accounts_of(state))
    assert orjson.loads(snapshot.fact("accounts")) == {"hubspot": {"account_id": "123", "label": "HubSpot portal 123"}}


def test_checks_have_their_last_verdict_and_failures_come_first(lake: Lake, tmp_path: Path) -> None:
    verdicts = {"a": True, "b": False}

    @dg.asset
    def table() -> None: ...

    def check(name: str) -> dg.AssetChecksDefinition:
        @dg.asset_check(asset=table, name=name)
        def checked() -> dg.AssetCheckResult:
            return dg.AssetCheckResult(passed=verdicts[name], description=f"{name} says so")

        return checked

    checks = [check("a"), check("b")]
    keys = [key for each in checks for key in each.check_keys]
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        dg.materialize([table, *checks], instance=instance, raise_on_error=False)
        verdicts |= {"a": False, "b": True}
        dg.materialize([table, *checks], instance=instance, raise_on_error=False)
        never = dg.AssetCheckKey(table.key, "never")
        shown = journals.checks_of(instance, [*keys, never])
    fact = orjson.loads(served(lake, tmp_path / "serving", checks=shown).fact("checks"))
    assert (fact["total"], fact["passed"]) == (2, 1)
    assert [(row["check"], row["status"], row["about"]) for row in fact["checks"]] == [
        ("a", "error", "a says so"),
        ("b", "passed", "b says so"),
    ]


def test_quarantined_records_are_counted_by_reason(lake: Lake, tmp_path: Path) -> None:
    rejected = {
        f"digest{number}": Rejected(record_id=str(number), reason="too long" if number else "no id", raw=b"{}")
        for number in range(3)
    }
    for table, day in (
        ("quarantine/stripe_charges", TODAY),
        ("quarantine/stripe_invoices", TODAY - timedelta(days=60)),
    ):
        write_quarantine(lake, table, str(day), datetime(day.year, day.month, day.day, tzinfo=UTC), rejected, "run")
    fact = orjson.loads(served(lake, tmp_path / "serving").fact("quarantine"))
    assert [(stream["table"], stream["records"]) for stream in fact["streams"]] == [("stripe/charges", 3)]
    assert fact["streams"][0]["reasons"] == [{"reason": "too long", "records": 2}, {"reason": "no id", "records": 1}]


def test_odd_figures_are_shown_with_their_history(lake: Lake, tmp_path: Path) -> None:
    write_odd(lake, day=TODAY)
    write_odd(lake, "stripe/charges", day=TODAY - timedelta(days=9))
    fact = orjson.loads(served(lake, tmp_path / "serving").fact("anomalies"))
    assert (fact["judged_day"], fact["now"]) == (str(TODAY), 1)
    assert [(row["table"], row["day"], row["is_now"]) for row in fact["figures"]] == [
        ("hubspot/contacts", str(TODAY), True),
        ("stripe/charges", str(TODAY - timedelta(days=9)), False),
    ]
    row = fact["figures"][0]
    assert (row["metric"], row["value"], row["expected"], row["history"][-1]) == ("records", 90, 203, 90)


def test_nothing_is_odd_before_anything_was_judged(lake: Lake, tmp_path: Path) -> None:
    fact = orjson.loads(served(lake, tmp_path / "serving").fact("anomalies"))
    assert (fact["judged_day"], fact["now"], fact["figures"]) == (None, 0, [])


def test_changed_schemas_are_shown_without_values(lake: Lake, tmp_path: Path) -> None:
    for raw in (b'{"id": "1"}', b'{"id": "1", "tier": "gold"}'):
        fields = FieldTypes()
        fields.sample([raw] * 30)
        learn(lake, "hubspot/contacts", fields, NOW - timedelta(days=1))
    fact = orjson.loads(served(lake, tmp_path / "serving").fact("schema_changes"))
    assert fact["open"] == 1
    (change,) = fact["changes"]
    assert (change["table"], change["field"], change["kind"], change["type_now"]) == (
        "hubspot/contacts",
        "tier",
        "new field",
        "text",
    )
    assert "gold" not in str(fact)


def test_freshness_has_the_newest_change_and_what_was_never_read(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_1")
    changed = NOW - timedelta(hours=30)
    row = {"id": "1", "changed_at": changed, "_window": NOW, "_extracted_at": NOW}
    day = TODAY - timedelta(days=1)
    lake.write("stripe/charges", str(day), engine().to_pyarrow(filled("stripe/charges", row)), full=True)
    fact = orjson.loads(served(lake, tmp_path / "serving").fact("freshness"))
    tables = {table["table"]: table for source in fact["sources"] for table in source["tables"]}
    assert tables["stripe/charges"]["newest_event_at"] == f"{changed:%Y-%m-%dT%H:%M:%SZ}"
    assert tables["stripe/charges"]["silent_after"] is None
    assert "stripe/refunds" in fact["never_read"]
    assert not [table for table in fact["never_read"] if table.startswith("orb/")], "it is off"


def test_the_days_of_other_rules_are_named(lake: Lake, tmp_path: Path) -> None:
    changed = DAYS[-2]
    rows = [person(i, changed) for i in range(60)]
    scores = [{**health(row), "policy_hash": "others"} for row in rows if row["is_customer"]]
    lake.write("health/customer_health", str(changed), engine().to_pyarrow(filled("health/customer_health", *scores)))
    changes = orjson.loads(served(lake, tmp_path / "serving").fact("rule_changes"))
    assert [(change["day"], change["policy_hash"] == "others") for change in changes] == [
        (str(changed), True),
        (str(TODAY), False),
    ]


def test_saved_are_those_who_were_about_to_leave_and_are_healthy(lake: Lake, tmp_path: Path) -> None:
    first = TODAY - timedelta(days=30)
    expected = {
        now["customer_id"]
        for now in (person(i, TODAY) for i in range(60))
        if now["is_customer"] and now["health_status"] == "healthy"
        for day in DAYS[:-1]
        if day >= first
        and (then := person(int(now["customer_id"][-3:]), day))["is_customer"]
        and then["health_status"] in ("high_risk", "critical")
    }
    saved = orjson.loads(served(lake, tmp_path / "serving").fact("saved"))
    assert expected
    assert {each["customer_id"] for each in saved["listed"]} == expected
    assert saved["customers"] == len(expected)
    assert saved["mrr"] == pytest.approx(sum(each["mrr"] for each in saved["listed"]))


def test_what_moved_a_score_in_a_week_adds_up(lake: Lake, tmp_path: Path) -> None:
    snapshot = served(lake, tmp_path / "serving")
    moved = 0
    for i in range(60):
        now, then = person(i, TODAY), person(i, WEEK_AGO)
        customer = snapshot.customer(now["customer_id"])
        assert customer is not None
        explanation = snapshot.explanation(customer)
        movements = explanation.movements if explanation else []
        if not score_changes(i):
            assert movements == []
            continue
        moved += 1
        (movement,) = movements
        assert (movement.days, movement.since) == (7, WEEK_AGO)
        assert (movement.score_before, movement.score) == (then["health_score"], now["health_score"])
        assert sum(part.points for part in movement.parts) == movement.change
        assert {part.cause for part in movement.main_parts} >= {"rules"}
        assert "  −1.00  other rules" in written(explanation).replace("-", "−") if explanation else False
    assert moved


def test_a_score_is_explained_as_the_command_does(lake: Lake, tmp_path: Path) -> None:
    snapshot = served(lake, tmp_path / "serving")
    calculations = 0
    for i in (row for row in range(60) if person(row, TODAY)["is_customer"]):
        by_command = explain_customer(lake, f"cus_{i:03d}").explanation
        customer = snapshot.customer(f"cus_{i:03d}")
        assert customer is not None
        explanation = snapshot.explanation(customer)
        assert explanation == by_command
        assert explanation is not None
        assert written(explanation) == written(by_command)
        calculations += sum(part.calculation is not None for part in explanation.components)
    assert calculations > 100


def test_scores_of_other_rules_are_explained_by_those(lake: Lake, tmp_path: Path) -> None:
    weights = policy().health.weights.model_copy(update={"activity": 30, "support": 15})
    other = policy().model_copy(update={"health": policy().health.model_copy(update={"weights": weights})})
    rows = [health(person(i, TODAY)) | {"policy_hash": other.hash} for i in (2, 3)]
    lake.write("health/customer_health", str(TODAY), engine().to_pyarrow(filled("health/customer_health", *rows)))
    kept = {"policy_hash": other.hash, "rules": canonical(other), "code_version": "-", "customers": 2}
    lake.write("health/rules", str(TODAY), engine().to_pyarrow(filled("health/rules", kept)))
    snapshot = served(lake, tmp_path / "serving")
    customer = snapshot.customer("cus_002")
    assert customer is not None
    explanation = snapshot.explanation(customer)
    assert explanation is not None
    assert [part.weight for part in explanation.components][:2] == [30, 15]
    assert (explanation.rules_in_force, explanation.policy_hash) == (False, other.hash)


def test_the_track_record_is_the_newest_back_test_and_the_alerts(lake: Lake, tmp_path: Path) -> None:
    fact = orjson.loads(served(lake, tmp_path / "serving").fact("track_record"))
    newest, before = fact["rules"]
    assert (fact["month"], newest["policy_hash"], newest["in_force"]) == ("2025-11-01", policy().hash, True)
    assert (before["in_force"], before["tested_until"] < newest["tested_until"]) == (False, True)
    for measure, (value, low, high) in FIGURES.items():
        if measure.startswith("count_"):
            assert newest["counts"][measure.removeprefix("count_")] == value
        else:
            assert newest["figures"][measure] == {"value": value, "low": low, "high": high}
    assert [(row["customer_id"], row["days_ahead"], row["rule"]) for row in fact["missed"]] == [
        row[:3] for row in MISSED_CHURNS if row[0] != "cus_forgotten"
    ]
    assert fact["rules_that_would_help"] == [
        {"rule": None, "churns": 2, "more_alarms": None},
        {"rule": "not seen for 7 days", "churns": 1, "more_alarms": 9},
    ]
    mentions, drops = fact["alerts"]
    assert drops == {"kind": "health_drop", "sent": 4, "useful": 0, "not_useful": 0, "precision": None}
    assert mentions == {"kind": "cancel_mention", "sent": 8, "useful": 2, "not_useful": 3, "precision": 0.4}


def test_before_the_first_back_test_there_is_no_track_record(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    settle(lake)
    for table in ("health/backtest", "health/missed_churns", "alerts/precision"):
        for file in lake.files(table):
            file.path.unlink()
    fact = orjson.loads(served(lake, tmp_path / "serving").fact("track_record"))
    assert (fact["month"], fact["rules"], fact["missed"], fact["alerts"]) == (None, [], [], [])
