"""Rates and means by what companies are, beside SQL and SciPy; and a fit that finds what is planted, and no more."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gtm_platform.intelligence.icp import companies as icp_companies
from gtm_platform.intelligence.icp import fit, groups
from gtm_platform.intelligence.icp.checks import fit_is_believable, groups_add_up
from gtm_platform.intelligence.icp.measures import mean, rate
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.policy import policy
from gtm_platform_tests.intelligence.icp_world import WON, companies
from gtm_platform_tests.tables import DAY, by, computed, days_ago, filled

KEY = icp_companies.TABLE.key


def groups_of(rows: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    table = groups.table(filled(KEY, *rows), policy())
    return {(row["trait"], row["value"]): row for row in table.to_pylist()}


def fits_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return fit.table(filled(KEY, *rows), policy(), DAY).to_pylist()


def test_groups_are_what_sql_counts() -> None:
    rows = companies(400)
    made = groups_of(rows)
    with duckdb.connect() as connection:
        connection.register("companies", engine().to_pyarrow(filled(KEY, *rows)))
        expected = connection.execute("""
            with traits as (
                from (select *, 'all' as trait, 'all' as value from companies
                    union all select *, 'industry', industry from companies
                    union all select *, 'size', size from companies
                    union all select *, 'country', country from companies
                    union all select *, 'technology', unnest(technologies) from companies) where value is not null
            ), counted as (
                select trait, value, count(*) as companies, count(*) filter (outcome = 'won') as won,
                    count(*) filter (outcome = 'lost') as lost, count(ltv) as customers, avg(ltv::double) as ltv,
                    count(*) filter (is_seasoned) as seasoned, count(*) filter (left_in_time) as left_in_time
                from traits group by all
            ), overall as (select won / (won + lost) as p, ltv as m, left_in_time / seasoned as q from counted
                where trait = 'all')
            select trait, value, companies, won, lost, customers, ltv, seasoned, left_in_time,
                won / (won + lost), (won + k * p) / (won + lost + k), (ltv * customers + k * m) / (customers + k),
                left_in_time / seasoned, (left_in_time + k * q) / (seasoned + k)
            from counted, overall, (select if(trait = 'all', 0, 20) as k)""").fetchall()
    assert {row[:2] for row in expected} == made.keys()
    names = ("companies", "won", "lost", "customers", "ltv", "seasoned", "left_in_time", "win_rate", "win_rate_drawn")
    for trait, value, *figures in expected:
        row = made[trait, value]
        columns = (*names, "ltv_drawn", "churn_rate", "churn_rate_drawn")
        assert [row[name] for name in columns] == pytest.approx(figures), (trait, value)


@given(st.integers(0, 300), st.integers(1, 300))
def test_intervals_of_rates_are_those_of_wilson(events: int, more: int) -> None:
    count = events + more
    made = rate(events, count, 0.3, 20.0)
    expected = stats.binomtest(events, count).proportion_ci(0.95, method="wilson")
    assert (made.low, made.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert made.drawn is not None
    assert made.value is not None
    assert min(made.value, 0.3) - 1e-12 <= made.drawn <= max(made.value, 0.3) + 1e-12


@pytest.mark.parametrize("count", [8, 30])
def test_intervals_of_amounts_hold_the_mean(count: int) -> None:
    """Of 200 skewed samples of few, at least nine of ten intervals hold the mean; a plain t-interval holds fewer."""
    draw = np.random.default_rng(4)
    truth, held = float(np.exp(0.5)), 0
    for _ in range(200):
        made = mean(np.exp(draw.normal(0, 1, count)), truth, 20.0)
        assert made.low is not None
        assert made.high is not None
        held += made.low <= truth <= made.high
    assert 178 <= held <= 200


def test_the_same_companies_come_to_the_same_in_any_order() -> None:
    rows = companies(300)
    assert fits_of(rows[::-1]) == fits_of(rows)
    assert groups_of(rows[::-1]) == groups_of(rows)


def test_few_or_equal_amounts_have_no_interval() -> None:
    assert mean(np.array([5.0, 9.0]), 7.0, 20.0).low is None
    assert mean(np.full(9, 5.0), 7.0, 20.0).high is None
    nothing = mean(np.array([]), 7.0, 20.0)
    assert (nothing.value, nothing.drawn) == (None, 7.0)
    assert rate(0, 0, None, 20.0).drawn is None


def test_groups_of_few_companies_are_not_listed() -> None:
    rows = companies(60)
    rows[0]["industry"] = "rare"
    assert ("industry", "rare") not in groups_of(rows)


def test_fit_finds_what_is_planted_and_reasons_add_up() -> None:
    rows = companies(900)
    made = fits_of(rows)
    assert {row["verdict"] for row in made} == {"signal"}
    for row in made:
        odds = row["base_log_odds"] + sum(reason["log_odds"] for reason in row["reasons"])
        assert np.isclose(1 / (1 + np.exp(-odds)), row["fit"], rtol=1e-9)
        if abs(row["times_all"] - 1) > 0.3:
            assert row["reasons"][0]["column"] == "industry"
    industry = {row["company_id"]: row["industry"] for row in rows}
    for name, chance in WON.items():
        said = np.mean([row["fit"] for row in made if industry[row["company_id"]] == name])
        assert abs(said - chance) < 0.1  # 200 decided companies of each, drawn to the mean
    best = max(made, key=lambda row: row["fit"])
    assert best["reasons"][0]["text"] == "software"
    assert best["times_all"] > 1.2


def test_without_a_signal_every_company_has_the_rate_of_all() -> None:
    verdicts = []
    for seed in range(20):
        rows = companies(400, seed, informative=False)
        made = fits_of(rows)
        verdicts.append(made[0]["verdict"])
        if verdicts[-1] != "signal":
            decided = [row["outcome"] == "won" for row in rows if row["outcome"] != "open"]
            assert {row["fit"] for row in made} == {np.mean(decided)}
            assert not any(row["reasons"] for row in made)
    assert verdicts.count("signal") <= 1


def test_too_few_companies_are_said_to_be_too_few() -> None:
    assert {row["verdict"] for row in fits_of(companies(100))} == {"too little data"}
    assert [row["fit"] for row in fits_of([{"company_id": "a", "outcome": "open"}])] == [None]


def test_a_trait_that_holds_the_outcome_is_named_and_left_out() -> None:
    rows = companies(600)
    for row in rows:
        row["company_type"] = "customer" if row["outcome"] == "won" else "other" if row["outcome"] == "lost" else None
    made = fits_of(rows)
    assert set(json.loads(made[0]["left_out"])) == {"company_type"}
    assert not any(reason["column"] == "company_type" for row in made for reason in row["reasons"])


def test_companies_are_described_by_bands_and_frequent_technologies() -> None:
    long_ago = (DAY - timedelta(days=500), DAY - timedelta(days=400))
    outcomes = [
        {"lead_id": "a", "kind": "company", "outcome": "won", "ltv": Decimal(7), "first_paid_on": long_ago[0],
         "left_on": long_ago[1]},
        {"lead_id": "b", "kind": "company", "outcome": "won", "ltv": Decimal(9), "first_paid_on": long_ago[0],
         "left_on": date(2026, 11, 1)},
        {"lead_id": "c", "kind": "company", "outcome": "open"},
        {"lead_id": "p", "kind": "person", "outcome": "won"},
    ]  # fmt: skip
    described = [{"company_id": name, "employee_count": size} for name, size in (("a", 10), ("b", 11), ("c", 5000))]
    signals = [
        {"company_id": "a", "signal_id": "1", "kind": "job", "at": days_ago(9), "topics": ["python", "rust"]},
        {"company_id": "b", "signal_id": "2", "kind": "job", "at": days_ago(9), "topics": ["python"]},
        {"company_id": "c", "signal_id": "3", "kind": "visit", "at": days_ago(9), "topics": ["/pricing"]},
    ]
    rules = policy()
    icp = rules.intelligence.icp.model_copy(update={"most_technologies": 1})
    intelligence = rules.intelligence.model_copy(update={"icp": icp})
    rows = by(
        "company_id",
        computed(
            icp_companies.table,
            KEY,
            outcomes=filled("intelligence/lead_outcomes", *outcomes),
            companies=filled("core/unified_companies", *described),
            signals=filled("market/signals", *signals),
            policy=rules.model_copy(update={"intelligence": intelligence}),
            day=DAY,
        ),
    )
    assert {name: row["size"] for name, row in rows.items()} == {"a": "1–10", "b": "11–50", "c": "1001+"}
    assert {name: row["technologies"] for name, row in rows.items()} == {"a": ["python"], "b": ["python"], "c": []}
    assert [(rows[name]["is_seasoned"], rows[name]["left_in_time"]) for name in "abc"] == [
        (True, True),
        (True, False),
        (False, False),
    ]
    assert (rows["a"]["ltv"], rows["c"]["ltv"]) == (Decimal("7.00"), None)


def test_checks_draw_the_groups_and_name_what_was_left_out() -> None:
    resource = LakeResource()
    lake = resource.open()
    assert groups_add_up(resource).passed
    assert fit_is_believable(resource).passed
    rows = companies(900)
    for row in rows:
        row["company_type"] = "customer" if row["outcome"] == "won" else "other" if row["outcome"] == "lost" else None
    table = filled(KEY, *rows)
    lake.write(groups.TABLE.key, str(DAY), groups.table(table, policy()))
    lake.write(fit.TABLE.key, str(DAY), fit.table(table, policy(), DAY))
    drawn = groups_add_up(resource)
    assert drawn.passed
    assert "| software |" in str(drawn.metadata["win rate by industry"].value)
    believed = fit_is_believable(resource)
    assert not believed.passed
    assert "company_type: " in str(believed.description)
    assert believed.metadata["verdict"].value == "signal"
    doubled = groups.table(table, policy()).to_pandas()
    doubled.loc[doubled["trait"] == "industry", "won"] *= 2
    lake.write(groups.TABLE.key, str(DAY), doubled)
    broken = groups_add_up(resource)
    assert (broken.passed, broken.description) == (False, "Counted twice: industry: won.")
