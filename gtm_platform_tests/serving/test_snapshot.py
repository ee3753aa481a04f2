"""The snapshot says what the lake says, is swapped whole, and one that fails leaves the old one."""

import json
import sqlite3
import threading
from datetime import timedelta
from pathlib import Path

import duckdb
import orjson
import pytest

from gtm_platform.cohorts.company_cohorts import COHORTS
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.serving import assets
from gtm_platform.serving.answers import changes
from gtm_platform.serving.answers.cohorts import cohorts, transitions_of
from gtm_platform.serving.metrics import discover
from gtm_platform.serving.snapshot import customer_rows, layout, metric_rows
from gtm_platform.serving.snapshot.build import build
from gtm_platform.serving.snapshot.files import stamps
from gtm_platform.serving.store import CompanyQuery, CustomerQuery, NoSnapshot, Snapshot, Store
from gtm_platform.unified.customers import CONTRACT
from gtm_platform_tests.serving.world import ALERT, DAYS, PEOPLE, RUN, TODAY, landing, person, settle
from gtm_platform_tests.tables import filled


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_every_column_of_the_contract_is_shown(snapshot: Snapshot, served_home: Path) -> None:
    page = snapshot.customers(CustomerQuery(customers="all", limit=1000))
    assert page.total == PEOPLE == len(page.documents)
    rows = {row["customer_id"]: row for row in page.rows(personal=True)}
    with duckdb.connect() as db:
        lake = f"{served_home}/lake/core/unified_customers/{TODAY}.*.parquet"
        columns = db.execute(f"from read_parquet('{lake}')").arrow().read_all().to_pylist()
    for expected in columns:
        row = rows[expected["customer_id"]]
        assert set(CONTRACT.columns) <= set(row)
        for name in ("name", "health_score", "risk_signals", "all_emails", "is_customer", "plan_tier", "country"):
            assert row[name] == expected[name], name
        assert row["mrr"] == (None if expected["mrr"] is None else float(expected["mrr"]))
        assert row["last_seen_at"] == (expected["last_seen_at"] and f"{expected['last_seen_at']:%Y-%m-%dT%H:%M:%SZ}")


def test_what_changed_is_shown_of_a_snapshot_without_the_newest_metrics(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an upgrade one is served that the version of before made, until the next day lands."""
    before = changes.changes(snapshot, 7, personal=False).metrics
    newest = {**discover(), "moons": discover()["mrr"]}
    monkeypatch.setattr(changes, "discover", lambda: newest)
    assert changes.changes(snapshot, 7, personal=False).metrics == before


def test_personal_columns_are_apart(snapshot: Snapshot) -> None:
    personal = {name for name, column in layout.SHOWN.items() if column.personal}
    page = snapshot.customers(CustomerQuery(customers="all", limit=1000))
    assert {"name", "email", "all_emails"} <= personal
    for body, own in page.documents:
        assert not personal & set(orjson.loads(body))
        assert set(orjson.loads(own)) == personal
        assert b"Person" not in body


def test_a_number_that_is_none_is_null(snapshot: Snapshot) -> None:
    customer = snapshot.customer("cus_001")
    assert customer is not None
    assert customer.row(personal=False)["completeness_score"] is None


@pytest.mark.parametrize("identifier", ["cus_012", "old_cus_012", "person12@firm3.example", "Other12@FIRM3.example"])
def test_a_customer_is_looked_up_by_any_name(identifier: str, snapshot: Snapshot) -> None:
    customer = snapshot.customer(identifier)
    assert customer is not None
    assert customer.customer_id == "cus_012"


def test_an_address_of_several_is_that_of_a_current_customer(snapshot: Snapshot) -> None:
    customer = snapshot.customer("info@shared.example")
    assert customer is not None
    assert customer.row(personal=False)["is_customer"]
    assert snapshot.customer("nobody@firm3.example") is None


def test_history_and_explanation(snapshot: Snapshot) -> None:
    customer = snapshot.customer("cus_002")
    assert customer is not None
    history = orjson.loads(customer.history)
    assert history["day"] == [str(day) for day in DAYS]
    assert history["health_score"] == [person(2, day)["health_score"] for day in DAYS]
    assert [orjson.loads(alert)["kind"] for alert in customer.alerts] == ["cancel_mention"]
    explanation = snapshot.explanation(customer)
    assert explanation is not None
    parts = {part.component: part for part in explanation.components}
    assert sum(part.possible or 0 for part in parts.values()) == pytest.approx(100, abs=0.05)
    assert sum(part.earned or 0 for part in parts.values()) == pytest.approx(51.875, abs=0.05)
    assert (parts["activity"].possible, parts["activity"].earned, parts["activity"].missed) == (31.25, 25.0, 6.25)
    assert parts["support"].possible is None
    assert [(override.override, override.points) for override in explanation.overrides] == [("cancel", -30)]


def test_who_has_no_score_has_no_explanation(snapshot: Snapshot) -> None:
    customer = snapshot.customer("cus_000")
    assert customer is not None
    assert snapshot.explanation(customer) is None


def test_companies_with_their_customers(snapshot: Snapshot) -> None:
    [first, *_] = snapshot.companies(CompanyQuery(domain="firm3.example"))
    company = orjson.loads(first[0])
    people = [person(i, TODAY) for i in range(12, 16)]
    assert company["people"] == 4
    assert company["customers"] == sum(each["is_customer"] for each in people)
    paid = sum(each["mrr_reporting"] or 0 for each in people if each["is_customer"])
    assert company["mrr_reporting"] == pytest.approx(float(paid))
    assert snapshot.company("com_03") == snapshot.company("firm3.example") == first[0]
    assert snapshot.count_companies() == PEOPLE // 4


def test_companies_by_cohort_and_priority(snapshot: Snapshot) -> None:
    def listed(query: CompanyQuery) -> list[str]:
        return [orjson.loads(body)["company_id"] for body, _ in snapshot.companies(query)]

    ranked = listed(CompanyQuery(sort="priority"))
    assert ranked == [f"com_{i:02d}" for i in reversed(range(15))]
    partners = listed(CompanyQuery(cohort="cohort_4_si_partner", sort="priority", limit=3))
    assert partners == ["com_13", "com_09", "com_05"]
    [*_, (_, place)] = snapshot.companies(CompanyQuery(sort="priority", limit=4))
    assert listed(CompanyQuery(sort="priority", after=place)) == ranked[4:]
    assert snapshot.count_companies("cohort_4_si_partner") == 4


def test_cohorts_and_who_moved(snapshot: Snapshot) -> None:
    answer = cohorts(snapshot)
    assert [(each.cohort, each.companies) for each in answer.cohorts] == list(zip(COHORTS, (4, 4, 4, 3), strict=True))
    assert answer.moved == {
        "Came back": 2,
        "Became a partner": 1,
        "Fell dormant": 1,
        "In-market converted": 1,
        "Nothing speaks for it any more": 1,
    }
    assert [(each.company, each.trigger) for each in answer.transitions] == [
        ("Firm 1", "Became a partner"),
        ("Firm 2", "Came back"),
        ("Firm 5", "Came back"),
        ("Firm 4", "Fell dormant"),
        ("Firm 7", "Nothing speaks for it any more"),
        ("Firm 8", "In-market converted"),
    ]
    assert [(each.field, each.companies) for each in answer.missing] == [("domain", 1)]
    assert transitions_of(snapshot, 30, 10, "com_03") == []
    assert cohorts(snapshot, limit=1).transitions == answer.transitions[:1]


def test_alerts_runs_and_facts(snapshot: Snapshot) -> None:
    assert [json.loads(body) for body, _ in snapshot.alerts(10)] == [ALERT]
    assert [json.loads(body) for body, _ in snapshot.sync_runs(10)] == [RUN]
    summary = orjson.loads(snapshot.fact("summary"))
    current = [row for row in (person(i, TODAY) for i in range(PEOPLE)) if row["is_customer"]]
    assert summary["metrics"]["customers"]["value"] == len(current)
    before = [person(i, TODAY - timedelta(days=7)) for i in range(PEOPLE)]
    assert summary["metrics"]["customers"]["change_7d"] == len(current) - sum(row["is_customer"] for row in before)
    assert sum(signal["customers"] for signal in summary["signals"]) == sum(len(row["risk_signals"]) for row in current)
    assert orjson.loads(snapshot.fact("trend"))["days"] == [str(day) for day in DAYS]


def test_buckets_change_nothing(served_lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(landing(served_lake), tmp_path / "whole")
    monkeypatch.setattr(customer_rows, "CUSTOMERS_A_BUCKET", 7)
    build(landing(served_lake), tmp_path / "parts")
    question = CustomerQuery(customers="all", limit=1000, sort="last_seen")
    whole, parts = (
        set(Store(tmp_path / name).current().customers(question).bodies(personal=True)) for name in ("whole", "parts")
    )
    assert whole == parts


def test_it_is_swapped_once_a_second_and_two_are_kept(served_lake: Lake, tmp_path: Path) -> None:
    clock = Clock()
    folder = tmp_path / "serving"
    store = Store(folder, clock)
    with pytest.raises(NoSnapshot, match="nothing to serve"):
        store.current()
    build(landing(served_lake), folder)
    first = store.current()
    for _ in range(3):
        build(landing(served_lake), folder)
    assert store.current() is first
    assert first.customers(CustomerQuery()).total  # its name is gone, the open file is not
    clock.now += 1.1
    assert store.current().stamp == stamps(folder)[-1] != first.stamp
    assert len(stamps(folder)) == 2


def test_days_that_did_not_change_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake, folder = Lake(tmp_path / "lake"), tmp_path / "serving"
    settle(lake, DAYS[-4:], people=20)
    first = build(landing(lake), folder)
    again = build(landing(lake), folder)
    rows = [person(i, DAYS[-4]) for i in range(12)]  # a day made again, on which a later one depends
    lake.write("core/unified_customers", str(DAYS[-4]), engine().to_pyarrow(filled("core/unified_customers", *rows)))
    changed = build(landing(lake), folder)
    assert first is not None
    assert again is not None
    assert changed is not None
    assert (first.days_computed, again.days_computed, changed.days_computed) == (4, 0, 2)
    copied = Store(folder).current()
    monkeypatch.setattr(metric_rows, "_fingerprints_of", lambda _: {})
    build(landing(lake), tmp_path / "anew")
    anew = Store(tmp_path / "anew").current()
    for name in ("mrr", "churned_customers_7d"):
        assert copied.metric(name, "plan") == anew.metric(name, "plan")


def test_a_build_that_fails_leaves_the_old_one(
    served_lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "serving"
    build(landing(served_lake), folder)
    before = stamps(folder)

    def fail(*_: object) -> None:
        raise RuntimeError("no more")

    monkeypatch.setattr("gtm_platform.serving.snapshot.journals.fill", fail)
    with pytest.raises(RuntimeError, match="no more"):
        build(landing(served_lake), folder)
    assert stamps(folder) == before
    assert [path.name for path in folder.iterdir()] == [f"{before[0]}.sqlite"]


def test_a_file_of_another_version_is_passed_over(served_lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "serving"
    build(landing(served_lake), folder)
    build(landing(served_lake), folder)
    old, new = stamps(folder)
    with sqlite3.connect(folder / f"{new}.sqlite") as db:
        db.execute(f"pragma user_version = {layout.FORMAT + 1}")
    db.close()
    assert Store(folder).current().stamp == old


def test_threads_read_one_snapshot(snapshot: Snapshot) -> None:
    totals: list[int] = []
    threads = [
        threading.Thread(target=lambda: totals.append(snapshot.customers(CustomerQuery(limit=5)).total))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(totals)) == 1
    assert len(totals) == 8


def test_an_empty_lake_has_none(tmp_path: Path) -> None:
    assert build(landing(Lake(tmp_path / "lake")), tmp_path / "serving") is None
    assert stamps(tmp_path / "serving") == []


def test_the_check_sees_a_snapshot_that_differs(served_lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "serving"
    built = build(landing(served_lake), folder)
    assert built is not None
    path = folder / f"{built.stamp}.sqlite"
    day, served = assets._served(path)
    in_lake = assets._in_lake(served_lake, day)
    assert [served[name] for name in ("everybody", "customers", "mrr")] == pytest.approx([*in_lake.values()])
    assert assets._differences(served, in_lake) == []
    with sqlite3.connect(path) as db:
        db.execute("update customers set mrr_reporting = mrr_reporting + 1 where customer_id = 'cus_002'")
    db.close()
    assert assets._differences(assets._served(path)[1], in_lake) == ["mrr"]
