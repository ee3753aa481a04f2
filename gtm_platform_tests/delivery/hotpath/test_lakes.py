"""What the hot path reads: windows of its own beside the lake's, some customers' rows, everybody's with theirs new."""

import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import ibis
import pytest

from gtm_platform.definitions import DAILY_TABLES
from gtm_platform.delivery.hotpath.changes import sources_of
from gtm_platform.delivery.hotpath.company_reach import names_companies
from gtm_platform.delivery.hotpath.hot_tables import HotTables
from gtm_platform.delivery.hotpath.lakes import KnownBy, ShownCustomers
from gtm_platform.delivery.hotpath.reading import is_taken_over
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import Statement, as_typed, engine
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.some_customers import COMPANY, CUSTOMER, SomeCustomers, subject_of
from gtm_platform.settings import settings
from gtm_platform_tests.intelligence.shown_effect import experiment
from gtm_platform_tests.tables import filled, rows_of

DAY, SOURCE, TABLE = "2026-03-02", "stripe/customers", "core/subscriptions"
HOT = HotTables.of(DAILY_TABLES)


def write(lake: Lake, partition: str, email: str, **how: bool) -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    rows = filled(SOURCE, {"id": "s1", "email": email, "_window": at, "_extracted_at": at})
    lake.write(SOURCE, partition, engine().to_pyarrow(rows).to_reader(), **how)


def stamp() -> str:
    return f"{time.time_ns():020d}"


def emails(lake: Lake) -> list[Any]:
    return [row["email"] for row in rows_of(lake.read_day(SOURCE, DAY))]


def test_the_newest_reading_counts_and_a_window_that_is_over_before_one_that_was_open(tmp_path: Path) -> None:
    lake, own = Lake(tmp_path / "lake"), Lake(tmp_path / "hot")
    write(lake, "2026-03-01", "first@acme.example", full=True)
    before = stamp()
    write(own, DAY, "hot@acme.example", is_open=True)
    assert emails(KnownBy(own.root, lake, stamp())) == ["hot@acme.example"]
    assert emails(KnownBy(own.root, lake, before)) == ["first@acme.example"]
    assert emails(lake) == ["first@acme.example"], "the lake itself is left alone"
    write(lake, DAY, "later@acme.example", is_open=True)
    assert emails(KnownBy(own.root, lake, stamp())) == ["later@acme.example"]
    write(own, DAY, "again@acme.example", is_open=True)
    write(lake, DAY, "over@acme.example")
    write(own, DAY, "too late@acme.example", is_open=True)
    assert emails(KnownBy(own.root, lake, stamp())) == ["over@acme.example"]


def test_what_the_lake_has_read_since_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_HOME", str(tmp_path))
    settings.cache_clear()
    lake, own = Lake(tmp_path / "lake"), Lake(tmp_path / "hot")
    assert is_taken_over(lake, SOURCE, stamp(), stamp()), "nothing was read"
    write(own, DAY, "hot@acme.example", is_open=True)
    until = stamp()
    assert not is_taken_over(lake, SOURCE, until, stamp())
    write(lake, DAY, "hot@acme.example", is_open=True)
    assert is_taken_over(lake, SOURCE, until, stamp())
    assert not is_taken_over(lake, SOURCE, until, until), "the tables were made before it was read"


def subscriptions(*customers: tuple[str, str]) -> Any:
    rows = [
        {"source": "stripe", "subscription_id": f"sub {id}", CUSTOMER: id, "is_leading": True, "plan_name": plan}
        for id, plan in customers
    ]
    return engine().to_pyarrow(filled(TABLE, *rows)).to_reader()


def plans(table: ibis.Table) -> dict[str, str]:
    return {row[CUSTOMER]: row["plan_name"] for row in rows_of(table)}


def test_some_customers_and_everybody_with_these(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    lake.write(TABLE, DAY, subscriptions(("a", "old"), ("b", "old"), ("c", "old")))
    lake.write(TABLE, "2026-03-01", subscriptions(("a", "older"), ("b", "older")))
    some = SomeCustomers(tmp_path / "rows", lake, DAY, frozenset({"a", "b"}))
    assert plans(some.read_day(TABLE, DAY)) == {"a": "old", "b": "old"}
    assert plans(some.read_day(TABLE, "2026-03-01")) == {"a": "older", "b": "older"}
    assert plans(some.of_everybody().read_day(TABLE, DAY)) == {"a": "old", "b": "old", "c": "old"}

    every = lake.read_day(TABLE, DAY).mutate(plan_name=ibis.literal("new"))
    some.write(TABLE, DAY, Statement(as_typed(every)))
    assert plans(some.read_day(TABLE, DAY)) == {"a": "new", "b": "new"}
    assert plans(some.of_everybody().read_day(TABLE, DAY)) == {"a": "new", "b": "new", "c": "old"}
    assert plans(lake.read_day(TABLE, DAY)) == {"a": "old", "b": "old", "c": "old"}


def test_a_rule_that_reads_rows_is_not_made_for_some(tmp_path: Path) -> None:
    some = SomeCustomers(tmp_path / "rows", Lake(tmp_path / "lake"), DAY, frozenset({"a"}))
    with pytest.raises(TypeError, match="reads rows"):
        some.write(TABLE, DAY, subscriptions(("a", "new")))


@pytest.mark.parametrize("table", HOT.hot, ids=lambda table: table.key)
def test_tables_for_some_customers_have_rows_of_customers_and_owners_of_their_inputs(table: Any) -> None:
    assert CUSTOMER in table.contract.columns
    assert not table.eager
    for name, owners in table.owners.items():
        rows = filled(name)
        assert owners
        for owner in owners:
            through = rows if not owner.through else filled(owner.through[0])
            if owner.through:
                assert owner.through[1] in rows.columns
            joined = owner.with_table[1](through, filled(owner.with_table[0])) if owner.with_table else through
            made = owner.rows(joined) if owner.rows else joined
            records = made[owner.records] if isinstance(owner.records, str) else owner.records(made)
            assert records.type().is_string() or records.type().value_type.is_string()


def test_what_stands_between_sources_and_rows_of_customers_is_known() -> None:
    """A table that comes between makes whoever it is about wait; another one has to be thought about."""
    assert HOT.between == {"core/message_tone", "core/call_tone"}
    assert HOT.late == {"quality/customer_quality", "intelligence/features", "intelligence/churn_scores"}
    owned = {name for table in HOT.hot for name in table.owners}
    read = {name for table in HOT.hot for name in table.tables if contract_of(name).cadence is not None}
    nobodys = {"hubspot/pipelines", "hubspot/owners"}
    nobodys |= {"stripe/products", "stripe/prices", "chartmogul/plans", "intercom/admins"}
    assert read - owned == nobodys


def test_what_an_experiment_withholds_is_not_delivered_hot(tmp_path: Path) -> None:
    """Read through the lake as people are shown it, withheld customers have no health, whoever computed it."""
    day, health = date.fromisoformat(DAY), "health/customer_health"
    lake = Lake(tmp_path / "lake")

    def judged(**scores: int) -> Any:
        rows = [{CUSTOMER: id, "as_of": day, "health_score": score} for id, score in scores.items()]
        return filled(health, *rows)

    lake.write(health, DAY, engine().to_pyarrow(judged(a=10, b=20, c=30)).to_reader())
    drawn = {"experiment": "spring", CUSTOMER: "a", "group": "withheld", "assigned_on": day, "starts_on": day}
    lake.write("intelligence/holdout", DAY, engine().to_pyarrow(filled("intelligence/holdout", drawn)).to_reader())
    running = experiment(day)
    running = replace(running, terms=running.terms.model_copy(update={"withholds": ("risk",)}))
    some = SomeCustomers(tmp_path / "rows", lake, DAY, frozenset({"a", "b"}))
    made = Lake(tmp_path / "made")
    made.write(health, DAY, engine().to_pyarrow(judged(a=70, b=80)).to_reader())
    some.write(health, DAY, Statement(as_typed(made.read_day(health, DAY))))
    seen = ShownCustomers(some.root, lake, DAY, some.customers, experiments=(running,))
    scores = {row[CUSTOMER]: row["health_score"] for row in rows_of(some.read_day(health, DAY))}
    shown = {row[CUSTOMER]: row["health_score"] for row in rows_of(seen.read_day(health, DAY))}
    assert scores == {"a": 70, "b": 80}
    assert shown in ({"b": 80}, {"a": None, "b": 80})


def test_it_is_known_which_companies_the_records_name_that_tables_of_companies_read() -> None:
    """A table that comes to be read without that makes all companies wait; it has to be thought about."""
    read = sources_of([table.key for table in HOT.of_companies], HOT.every)
    assert {table for table in read if not names_companies(table)} == set()
    for table in HOT.of_companies:
        assert subject_of(table.key) == COMPANY
        assert set(table.judged_by_all) <= set(table.contract.columns)
        assert not table.eager


def test_rows_of_some_companies_stand_in_the_place_of_those_before(tmp_path: Path) -> None:
    table, lake = "cohorts/company_accounts", Lake(tmp_path / "lake")

    def people(**counts: int) -> Any:
        rows = [{COMPANY: id, "people": count} for id, count in counts.items()]
        return engine().to_pyarrow(filled(table, *rows)).to_reader()

    lake.write(table, DAY, people(a=1, b=1))
    some = SomeCustomers(tmp_path / "rows", lake, DAY, frozenset(), companies=frozenset({"b"}))
    lake.write(table, "2026-03-01", people(a=0, b=0))
    made = Lake(tmp_path / "made")
    made.write(table, DAY, people(a=5, b=6))
    some.write(table, DAY, Statement(as_typed(made.read_day(table, DAY))))
    for each in (some, some.of_everybody()):
        assert {row[COMPANY]: row["people"] for row in rows_of(each.read_day(table, DAY))} == {"a": 1, "b": 6}
        assert {row["people"] for row in rows_of(each.read_day(table, "2026-03-01"))} == {0}


def test_what_is_withheld_of_a_company_is_not_delivered_hot(tmp_path: Path) -> None:
    day, companies = date.fromisoformat(DAY), "core/unified_companies"
    lake = Lake(tmp_path / "lake")

    def judged(**scores: int) -> Any:
        rows = [{COMPANY: id, "as_of": day, "lowest_health": score} for id, score in scores.items()]
        return engine().to_pyarrow(filled(companies, *rows)).to_reader()

    lake.write(companies, DAY, judged(a=10, b=20))
    drawn = {"experiment": "spring", CUSTOMER: "a1", COMPANY: "a", "group": "withheld"}
    drawn |= {"assigned_on": day, "starts_on": day}
    lake.write("intelligence/holdout", DAY, engine().to_pyarrow(filled("intelligence/holdout", drawn)).to_reader())
    running = experiment(day)
    running = replace(running, terms=running.terms.model_copy(update={"withholds": ("risk",)}))
    made = Lake(tmp_path / "made")
    made.write(companies, DAY, judged(a=70, b=80))
    ids = frozenset({"a", "b"})
    some = SomeCustomers(tmp_path / "rows", lake, DAY, frozenset(), companies=ids)
    some.write(companies, DAY, Statement(as_typed(made.read_day(companies, DAY))))
    seen = ShownCustomers(some.root, lake, DAY, some.customers, companies=ids, experiments=(running,))
    scores = {row[COMPANY]: row["lowest_health"] for row in rows_of(seen.read_day(companies, DAY))}
    assert scores == {"a": None, "b": 80}
