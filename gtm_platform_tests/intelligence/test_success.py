"""The metrics of success: what each comes to, what it is compared with, and when it says that it cannot be measured."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from gtm_platform.intelligence.effect.effect import LESS, MORE, NOTHING, TOO_FEW
from gtm_platform.intelligence.effect.success import METRICS, TABLE, UNMEASURED
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform_tests.intelligence.experiment import START, customer, write
from gtm_platform_tests.tables import filled

BEFORE = START - timedelta(days=90)
KEYS = {
    "customers": "core/unified_customers",
    "before": "core/unified_customers",
    "accounts": "cohorts/company_accounts",
    "accounts_before": "cohorts/company_accounts",
    "opportunities": "intelligence/expansion_opportunities",
    "opportunities_before": "intelligence/expansion_opportunities",
    "effect": "intelligence/effect",
    "previous": TABLE.key,
}


def measured(*, minutes: tuple[float, float] = (0, 0), day: Any = START, **rows: Any) -> dict[str, dict[str, Any]]:
    """The metrics of a day by name, made of some rows of each input."""
    tables: dict[str, Any] = {name: filled(key, *rows.get(name, ())) for name, key in KEYS.items()}
    delivered = {
        "backtest": filled("health/backtest", *rows.get("backtest", ())),
        "acts": filled("alerts/precision", *rows.get("acts", ())).select(act="kind", count="sent"),
    }
    success = policy().success.model_copy(
        update={"minutes_per_alert": minutes[0], "minutes_per_written_value": minutes[1]}
    )
    rules = policy().model_copy(update={"success": success})
    made = TABLE.rule(**tables, delivered=delivered, policy=rules, day=day)
    return {row["metric"]: row for row in made.to_pylist()}


def test_of_nothing_nothing_is_measured_and_each_metric_says_why() -> None:
    found = measured()
    assert found.keys() == METRICS.keys()
    assert {row["basis"] for row in found.values()} == {UNMEASURED}
    assert all(row["value"] is row["baseline"] is None and row["how"].endswith(".") for row in found.values())
    assert "No experiment has begun" in found["mrr_saved"]["how"]
    assert found["churn_rate"]["tables"] == "core/unified_customers"


def test_churn_is_of_those_who_paid_and_its_first_value_is_the_baseline() -> None:
    then = [customer(f"c{n}") for n in range(4)] + [customer("free", 0), customer("gone", is_customer=False)]
    now = [customer("c0"), customer("c1"), customer("c2", 0), customer("new")]
    first = measured(before=then, customers=now)["churn_rate"]
    assert (first["value"], first["baseline"], first["baseline_on"]) == (0.5, 0.5, START)
    assert first["how"].startswith("2 of 4 customers")
    later = measured(before=then, customers=then, previous=[first], day=START + timedelta(days=5))["churn_rate"]
    assert (later["value"], later["baseline"], later["baseline_on"]) == (0.0, 0.5, START)


def test_a_day_that_cannot_be_measured_keeps_the_baseline() -> None:
    first = measured(before=[customer("a")], customers=[customer("a")])["churn_rate"]
    gap = measured(previous=[first], day=START + timedelta(days=1))["churn_rate"]
    assert (gap["value"], gap["baseline"], gap["baseline_on"]) == (None, 0.0, START)


def test_days_of_warning_are_those_of_the_newest_back_test() -> None:
    def test(ago: int, value: float | None, measure: str = "median_days_ahead") -> dict[str, Any]:
        return {"tested_until": START - timedelta(days=ago), "measure": measure, "value": value, "policy_hash": "h"}

    rows = [test(60, 20), test(10, 33), test(5, 9, "auc_score"), test(1, None)]
    found = measured(backtest=rows)["days_of_warning"]
    assert (found["value"], found["basis"]) == (33, "measured")


def _effect(verdict: str, **more: Any) -> dict[str, Any]:
    known = {"total": 123_450.0, "total_low": -10_000.0, "total_high": 256_900.0}
    return {"outcome": "mrr", "verdict": verdict, "treated": 90, "withheld": 60, **known, **more}


@pytest.mark.parametrize("verdict", [NOTHING, LESS, MORE])
def test_saved_mrr_is_that_of_the_experiment_with_its_interval(verdict: str) -> None:
    older = _effect(MORE, experiment="older", starts_on=START - timedelta(days=300), total=1.0)
    newest = _effect(verdict, experiment="spring", starts_on=START)
    found = measured(effect=[newest, older, _effect(MORE, outcome="churn", experiment="spring")])["mrr_saved"]
    assert (found["value"], found["low"], found["high"]) == (1234.5, -100.0, 2569.0)
    assert (found["baseline"], found["baseline_is"]) == (0.0, "the customers who were withheld")


def test_of_too_few_outcomes_nothing_was_saved_yet() -> None:
    found = measured(effect=[_effect(TOO_FEW, experiment="spring", total=None)])["mrr_saved"]
    assert (found["value"], found["basis"]) == (None, UNMEASURED)
    assert "90 treated and 60 withheld customers" in found["how"]


def _accounts(**mrr: int) -> list[dict[str, Any]]:
    return [{"company_id": name, "mrr": Decimal(amount)} for name, amount in mrr.items()]


def test_expansion_of_listed_companies_stands_beside_that_of_the_others() -> None:
    found = measured(
        accounts_before=_accounts(a=100, b=200, c=400, d=600, free=0),
        accounts=_accounts(a=150, b=100, c=400, d=700, free=900),
        opportunities_before=[
            {"company_id": name, "sign": sign}
            for name, sign in (("a", "hiring"), ("a", "near_limit"), ("b", "hiring"), ("free", "hiring"))
        ],
    )["expansion_from_opportunities"]
    assert found["value"] == 50
    assert found["baseline"] == pytest.approx(300 * 100 / 1000)
    assert found["how"].startswith("What 2 companies")


def test_minutes_are_an_estimate_and_only_where_somebody_said_how_many() -> None:
    acts = [{"kind": "alerts", "sent": 40}, {"kind": "values", "sent": 1000}]
    assert measured(acts=acts)["manager_minutes"]["basis"] == UNMEASURED
    found = measured(acts=acts, minutes=(6, 0.1))["manager_minutes"]
    assert (found["value"], found["basis"], found["baseline"]) == (340, "estimated", 0)


def test_coverage_is_of_current_customers() -> None:
    rows = [
        customer("a", completeness_score=80.0), customer("b", completeness_score=79.9),
        customer("c", completeness_score=None), customer("d", completeness_score=99.0),
        customer("left", completeness_score=99.0, is_customer=False),
    ]  # fmt: skip
    assert measured(customers=rows)["coverage"]["value"] == 0.5


@pytest.fixture
def lake() -> Lake:
    return the_lake()


def test_it_is_made_of_the_lake_and_of_what_was_delivered_before_the_day(lake: Lake) -> None:
    for table, days in {
        "core/unified_customers": (BEFORE, START),
        "cohorts/company_accounts": (BEFORE, START),
        "intelligence/expansion_opportunities": (BEFORE, START),
        "intelligence/effect": (START,),
    }.items():
        for day in days:
            rows: list[Mapping[str, Any]] = [customer("a")] if table.endswith("customers") else []
            write(lake, table, day, rows)
    test = {"measure": "median_days_ahead", "policy_hash": "h"}
    write(lake, "health/backtest", BEFORE, [test | {"value": 21.0, "tested_until": START - timedelta(days=1)}])
    assert TABLE.write_day(lake, str(START)) is not None

    def made() -> dict[str, dict[str, Any]]:
        return {row["metric"]: row for row in lake.partition(TABLE.key, str(START)).to_pyarrow().to_pylist()}

    before = made()
    assert before["days_of_warning"]["value"] == 21
    assert before["churn_rate"]["value"] == 0
    later = START + timedelta(days=1)
    write(lake, "health/backtest", later, [test | {"value": 90.0, "tested_until": later}])
    write(lake, "core/unified_customers", later, [])
    write(lake, "alerts/precision", START, [{"day": str(START), "kind": "health_drop", "sent": 7}])
    TABLE.write_day(lake, str(START))
    assert made() == before, "what came later changes nothing"
