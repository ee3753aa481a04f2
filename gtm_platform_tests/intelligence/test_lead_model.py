"""Leads are scored by what was known of them: what is planted is found, chance is not, and the future is not used."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gtm_platform.health.backtest_measures import auc
from gtm_platform.intelligence.leads import scores
from gtm_platform.intelligence.leads.features import FEATURES
from gtm_platform.intelligence.leads.features import TABLE as TABLE_OF_FEATURES
from gtm_platform.intelligence.leads.labels import labelled
from gtm_platform.intelligence.leads.model import MODEL
from gtm_platform.intelligence.learning.months import few_enough, trained_on
from gtm_platform.intelligence.models import registry
from gtm_platform.intelligence.models.asset import write_month
from gtm_platform.intelligence.models.monthly import NothingToLearn, days_to_learn
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.policy import policy
from gtm_platform_tests.intelligence.leads_past import LeadsPast, leads_past
from gtm_platform_tests.tables import filled

TESTED = 6  # the step whose leads are tested: 90 days after it are over with step 9


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> LeadsPast:
    return leads_past(tmp_path_factory.mktemp("past"), leads=190, strength=1.8, leak=True)


@pytest.fixture(scope="module")
def row(past: LeadsPast) -> Mapping[str, Any]:
    return write_month(MODEL, past.lake, str(past.days[TESTED].replace(day=1)))


def test_a_month_learns_of_leads_whose_horizon_was_over(past: LeadsPast, row: Mapping[str, Any]) -> None:
    assert (row["tested_on"], row["verdict"], row["stage"]) == (past.days[TESTED], "signal", "shadow")
    assert (row["trained_from"], row["trained_until"]) == (past.days[0], past.days[TESTED - 3])
    assert (row["rows"], row["test_rows"]) == (4 * past.leads, past.leads)
    strongest = list(json.loads(row["importance"]))[:3]
    assert set(strongest) <= {"logins_a_day_30d", "signal_points", "industry", "use_case"}


def test_scores_of_a_day_add_up_and_name_categories_by_their_text(past: LeadsPast, row: Mapping[str, Any]) -> None:
    day = past.days[TESTED + 3]
    assert day >= row["available_on"]
    assert scores.TABLE.write_day(past.lake, str(day))
    rows = past.lake.partition(scores.TABLE.key, str(day)).to_pyarrow().to_pylist()
    assert len(rows) == past.leads
    for each in rows:
        odds = each["base_log_odds"] + sum(reason["log_odds"] for reason in each["reasons"])
        assert np.isclose(1 / (1 + np.exp(-odds)), each["score"], rtol=1e-9)
    texts = {reason["text"] for each in rows for reason in each["reasons"] if reason["column"] == "industry"}
    assert texts == {"software", "health", "retail", "finance"}
    chances = np.array([past.chances[each["lead_id"]] for each in rows])
    assert np.corrcoef(chances, [each["score"] for each in rows])[0, 1] > 0.7


def test_a_past_day_is_scored_again_with_the_model_that_it_had(past: LeadsPast, row: Mapping[str, Any]) -> None:
    day = past.days[TESTED + 3]
    scores.TABLE.write_day(past.lake, str(day))
    before = past.lake.partition(scores.TABLE.key, str(day)).to_pyarrow()
    later = {"month": date(2025, 7, 1), "tested_on": past.days[TESTED + 1], "available_on": day + timedelta(days=1)}
    newer = {**row, **later, "stage": "shown", "base_rate": 0.9, "verdict": "no signal"}
    past.lake.write(MODEL.registry, "2025-07-01", registry.as_table(MODEL, newer))
    scores.TABLE.write_day(past.lake, str(day))
    assert past.lake.partition(scores.TABLE.key, str(day)).to_pyarrow().equals(before)
    assert {each["month"] for each in before.to_pylist()} == {row["month"]}


def test_no_lead_is_scored_before_what_came_of_the_test_was_known(past: LeadsPast, row: Mapping[str, Any]) -> None:
    early = past.days[TESTED + 2]
    assert early < row["available_on"]
    scores.TABLE.write_day(past.lake, str(early))
    assert past.lake.partition(scores.TABLE.key, str(early)).to_pyarrow().num_rows == 0


def test_a_planted_leak_is_named_and_left_out(row: Mapping[str, Any]) -> None:
    leaks = json.loads(row["leaks"])
    assert set(leaks) == {"pages_visited_30d"}
    assert "it is filled in only with one outcome" in leaks["pages_visited_30d"]
    assert "pages_visited_30d" not in json.loads(row["importance"])
    assert row["auc"] < 0.95


def test_another_future_changes_neither_labels_nor_scores(tmp_path: Path) -> None:
    made = leads_past(tmp_path, leads=40)
    days = days_to_learn(MODEL, made.lake, made.days[TESTED].replace(day=1), policy())
    before = labelled(made.lake, days, policy())
    assert 0 < sum(before["outcome"].to_pylist()) < len(before)
    other = leads_past(tmp_path / "other", leads=40, seed=9)
    poisoned = made.days[TESTED] + timedelta(days=policy().intelligence.lead_horizon_days)
    for day in other.days:
        if day > poisoned:
            made.lake.write(
                TABLE_OF_FEATURES.key, str(day), other.lake.partition(TABLE_OF_FEATURES.key, str(day)).to_pyarrow()
            )
    later = poisoned + timedelta(days=1)
    everybody = made.lake.partition(TABLE_OF_FEATURES.key, str(days[0])).to_pandas().assign(is_won=True, day=later)
    made.lake.write(TABLE_OF_FEATURES.key, str(later), everybody)
    assert labelled(made.lake, days, policy()).equals(before)


def test_labels_wait_for_their_horizon(past: LeadsPast) -> None:
    with pytest.raises(NothingToLearn, match=r"The 90 days after .* are not over"):
        labelled(past.lake, [past.days[-1]], policy())


def test_who_was_merged_or_got_a_company_is_followed(tmp_path: Path) -> None:
    """A person whose company was found later is won with it; a company that went into a customer was never a lead."""
    made = LeadsPast(leads_past(tmp_path, leads=1, steps=1).lake)
    first, last = date(2025, 1, 1), date(2025, 4, 1)
    leads = ("per_1", "com_old", "com_none", "com_in_customer")
    names = {"lead_id": leads, "in_scope": True, "is_won": False}
    made.write_day(first, _frame(names), ["com_customer"])
    made.write_day(last, _frame({"lead_id": ["com_none"], "in_scope": True, "is_won": False}), [
        *("com_new", "com_of_person", "com_customer"),
    ])  # fmt: skip
    people = [{"customer_id": "per_new", "aliases": ["per_1"], "company_id": "com_of_person"}]
    companies = [
        {"company_id": "com_new", "former_ids": ["com_old"]},
        {"company_id": "com_customer", "former_ids": ["com_in_customer"]},
    ]
    _write(made, "identity/people", last, people)
    _write(made, "identity/companies", last, companies)
    rows = labelled(made.lake, [first], policy()).to_pylist()
    assert {row["lead_id"]: row["outcome"] for row in rows} == {
        "com_of_person": True,
        "com_new": True,
        "com_none": False,
    }


def _frame(values: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(values)


def _write(made: LeadsPast, table: str, day: date, rows: list[dict[str, Any]]) -> None:
    made.lake.write(table, str(day), engine().to_pyarrow(filled(table, *rows)))


def test_of_many_rows_the_same_leads_are_learned_of(past: LeadsPast) -> None:
    rows = labelled(past.lake, past.days[:4], policy())
    few = few_enough(rows, "lead_id", 300)
    assert 200 < len(few) < 400
    again = few_enough(rows.slice(0, len(rows) - 5), "lead_id", 300)
    assert set(few["lead_id"].to_pylist()) & set(again["lead_id"].to_pylist())
    assert few_enough(rows, "lead_id", len(rows)) is rows


def test_nothing_that_a_model_learns_of_is_money_a_deal_or_an_id() -> None:
    words = ("id", "score", "mrr", "ltv", "plan", "status", "deal", "deals", "amount", "paid", "subscription", "stage")
    assert not [name for name in FEATURES if set(name.split("_")) & set(words)]


@pytest.mark.long
def test_a_planted_signal_is_found_almost_as_well_as_can_be(tmp_path: Path) -> None:
    """Of 600 leads a month the AUC is within 0.02 of that of their true chances."""
    made = leads_past(tmp_path, leads=600)
    days = days_to_learn(MODEL, made.lake, made.days[TESTED].replace(day=1), policy())
    rows = labelled(made.lake, days, policy())
    is_test = np.array([day == days[0] for day in rows["day"].to_pylist()])
    happened = np.array(rows["outcome"].to_pylist(), bool)[is_test]
    chances = np.array([made.chances[name] for name in rows["lead_id"].to_pylist()])[is_test]
    trained = trained_on(MODEL, rows, is_test)
    assert trained.figures
    assert trained.figures.verdict == "signal"
    assert trained.figures.auc.value is not None
    assert trained.figures.auc.value > (auc(chances, happened) or 0) - 0.02
    assert trained.figures.ece < trained.figures.ece_floor + 0.02


@pytest.mark.long
def test_chance_is_no_signal(tmp_path: Path) -> None:
    """Of 20 worlds in which nothing tells who is won, at most one is taken for a signal."""
    verdicts = []
    for seed in range(20):
        made = leads_past(tmp_path / str(seed), leads=120, strength=0.0, seed=seed)
        days = days_to_learn(MODEL, made.lake, made.days[TESTED].replace(day=1), policy())
        rows = labelled(made.lake, days, policy())
        is_test = np.array([day == days[0] for day in rows["day"].to_pylist()])
        figures = trained_on(MODEL, rows, is_test).figures
        verdicts.append(figures.verdict if figures else "too little data")
    assert verdicts.count("signal") <= 1
    assert verdicts.count("no signal") >= 15
