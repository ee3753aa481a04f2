"""A registered experiment, and the days of a lake that it runs on, for tests."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from gtm_platform.intelligence.effect.assets import TABLES
from gtm_platform.intelligence.effect.experiments import Experiment, register
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Effect
from gtm_platform_tests.tables import filled

START = date(2026, 3, 2)
REGISTERED_AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
FOLLOWED = ("intelligence/holdout", "intelligence/holdout_outcomes", "intelligence/effect")


def terms(**values: Any) -> Effect:
    usual: dict[str, Any] = {
        "experiment": "spring",
        "hypothesis": "Alerts keep customers.",
        "share": 0.5,
        "strata": ("mrr_band",),
        "outcome_days": 10,
        "starts_on": START,
        "sample_size": 200,
    }
    return Effect(**{**usual, **values})


def registered(at: datetime = REGISTERED_AT, **values: Any) -> Experiment:
    experiment, _ = register(terms(**values), "Noor", at)
    return experiment


def customer(id: str, mrr: int = 100, status: str | None = "at_risk", **more: Any) -> dict[str, Any]:
    usual = {
        "customer_id": id,
        "company_id": f"com_{id}",
        "is_customer": True,
        "customer_status": "active",
        "mrr": Decimal(mrr),
        "mrr_reporting": Decimal(mrr),
        "plan_tier": "scale",
        "assigned_am": "Sam Lee",
        "health_status": status,
        "health_score": 40,
        "churn_risk": 30,
    }
    return {**usual, **more}


def write(lake: Lake, table: str, day: date, rows: Iterable[Mapping[str, Any]]) -> None:
    lake.write(table, str(day), engine().to_pyarrow(filled(table, *rows)))


def settle(
    lake: Lake, day: date, customers: Iterable[Mapping[str, Any]], merged: Mapping[str, str] | None = None
) -> None:
    """Write what the tables of experiments are made from; `merged` are ids and the customers that they went into."""
    rows = [{"as_of": day, **each} for each in customers]
    write(lake, "core/unified_customers", day, rows)
    aliases: dict[str, list[str]] = {row["customer_id"]: [] for row in rows}
    for alias, survivor in (merged or {}).items():
        aliases[survivor].append(alias)
    write(lake, "identity/people", day, [{"customer_id": id, "aliases": of} for id, of in aliases.items()])


def make(lake: Lake, day: date, tables: Iterable[str] = FOLLOWED) -> None:
    """Make some tables of the day."""
    by_key = {table.key: table for table in TABLES}
    for key in tables:
        assert by_key[key].write_day(lake, str(day)) is not None, key


def rows(lake: Lake, table: str, day: date) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lake.partition(f"intelligence/{table}", str(day)).to_pyarrow().to_pylist()
    return found


def groups(lake: Lake, day: date) -> dict[str, str]:
    return {row["customer_id"]: row["group"] for row in rows(lake, "holdout", day)}


def days(count: int, since: date = START) -> list[date]:
    return [since + timedelta(days=ago) for ago in range(count)]
