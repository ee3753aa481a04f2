"""Two months of models and the scores of a day, as the lake has them: the later month is confirmed and shown."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from gtm_platform.intelligence.churn.model import MODEL as CHURN
from gtm_platform.intelligence.churn.scores import TABLE as CHURN_SCORES
from gtm_platform.intelligence.icp import fit as icp_fit
from gtm_platform.intelligence.icp import groups as icp_groups
from gtm_platform.intelligence.icp.companies import TABLE as ICP_COMPANIES
from gtm_platform.intelligence.leads.model import MODEL as LEADS
from gtm_platform.intelligence.leads.outcomes import TABLE as OUTCOMES
from gtm_platform.intelligence.leads.scores import TABLE as LEAD_SCORES
from gtm_platform.intelligence.models import registry
from gtm_platform.intelligence.models.monthly import MonthlyModel
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform_tests.intelligence import icp_world
from gtm_platform_tests.tables import filled

BASE = -2.0
REASONS = (
    {"column": "logins_a_day_30d", "value": 0.1, "log_odds": 1.5},
    {"column": "tenure_days", "value": None, "log_odds": -0.25},
)


LEAD_REASONS = (
    {"column": "industry", "value": None, "text": "software", "log_odds": 1.25},
    {"column": "signal_points", "value": 16.0, "text": None, "log_odds": 0.5},
)


def settle_models(lake: Lake, day: date, customers: Sequence[str]) -> None:
    """Write the registry and the scores of a day, of these customers from the highest score down."""
    _settle(lake, day, CHURN, CHURN_SCORES.key, customers, REASONS)


def settle_leads(lake: Lake, day: date, companies: Sequence[str], person: str) -> None:
    """Write the same of leads, two companies and a person, and what the ideal customer is counted of."""
    leads = (*companies[:2], person, "com_forgotten")
    _settle(lake, day, LEADS, LEAD_SCORES.key, leads, LEAD_REASONS)
    kinds = ["company", "company", "person", "company"]
    known = [
        {"lead_id": lead, "kind": kind, "outcome": "open", "people": 3, "open_deals": place}
        for place, (lead, kind) in enumerate(zip(leads, kinds, strict=True))
    ]
    _write(lake, OUTCOMES.key, day, known)
    described = icp_world.companies(900)
    for place, company in enumerate(companies[:2]):
        industry = ("software", "retail")[place]
        described[place] |= {"company_id": company, "industry": industry, "outcome": "open", "ltv": None}
        described[place] |= {"is_seasoned": False, "left_in_time": False}
    _write(lake, ICP_COMPANIES.key, day, described)
    rows = filled(ICP_COMPANIES.key, *described)
    lake.write(icp_groups.TABLE.key, str(day), icp_groups.table(rows, policy()))
    lake.write(icp_fit.TABLE.key, str(day), icp_fit.table(rows, policy(), day))


def _settle(
    lake: Lake, day: date, model: MonthlyModel, table: str, subjects: Sequence[str], reasons: Sequence[dict[str, Any]]
) -> None:
    month = (day - timedelta(days=100)).replace(day=1)
    for place, stage in enumerate((registry.SHADOW, registry.SHOWN)):
        first = month if place else (month - timedelta(days=1)).replace(day=1)
        lake.write(model.registry, str(first), registry.as_table(model, _row(first, stage, auc=(0.7, 0.8)[place])))
    rows = [
        {
            model.subject: subject,
            "day": day,
            "score": 0.8 / (1 + place),
            "verdict": "signal",
            "stage": registry.SHOWN,
            "month": month,
            "base_log_odds": BASE,
            "reasons": list(reasons),
        }
        for place, subject in enumerate(subjects)
    ]
    _write(lake, table, day, rows)


def _write(lake: Lake, table: str, day: date, rows: list[dict[str, Any]]) -> None:
    lake.write(table, str(day), engine().to_pyarrow(filled(table, *rows)))


def _row(month: date, stage: str, auc: float) -> dict[str, Any]:
    bins = [{"rows": 30, "predicted": place / 20, "observed": place / 25} for place in range(10)]
    return {
        "month": month,
        "tested_on": month,
        "available_on": month + timedelta(days=90),
        "trained_from": month - timedelta(days=210),
        "trained_until": month - timedelta(days=90),
        "rows": 1200,
        "events": 140,
        "test_rows": 300,
        "test_events": 36,
        "verdict": "signal",
        "stage": stage,
        "model": "logistic",
        **dict.fromkeys(registry.FIGURES, 0.1),
        "auc": auc,
        "auc_low": auc - 0.05,
        "auc_high": auc + 0.05,
        "drifted_column": "logins_a_day_30d",
        "calibration": json.dumps(bins),
        "importance": json.dumps({"logins_a_day_30d": 0.9, "tenure_days": 0.2}),
        "leaks": json.dumps({"call_show_rate": "alone it tells the outcome (AUC 0.95)"}),
        "policy_hash": "abc",
        "code_version": "def",
        "library": "scikit-learn 1.9.1",
    }
