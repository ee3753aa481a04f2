"""Two months of models and the scores of a day, as the lake has them: the later month is confirmed and shown."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from gtm_platform.intelligence.churn.model import MODEL
from gtm_platform.intelligence.churn.scores import TABLE as SCORES
from gtm_platform.intelligence.models import registry
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform_tests.tables import filled

BASE = -2.0
REASONS = (
    {"column": "logins_a_day_30d", "value": 0.1, "log_odds": 1.5},
    {"column": "tenure_days", "value": None, "log_odds": -0.25},
)


def settle_models(lake: Lake, day: date, customers: Sequence[str]) -> None:
    """Write the registry and the scores of a day, of these customers from the highest score down."""
    month = (day - timedelta(days=100)).replace(day=1)
    for place, stage in enumerate((registry.SHADOW, registry.SHOWN)):
        first = month if place else (month - timedelta(days=1)).replace(day=1)
        lake.write(MODEL.registry, str(first), registry.as_table(MODEL, _row(first, stage, auc=(0.7, 0.8)[place])))
    rows = [
        {
            "customer_id": customer,
            "day": day,
            "score": 0.8 / (1 + place),
            "verdict": "signal",
            "stage": registry.SHOWN,
            "month": month,
            "base_log_odds": BASE,
            "reasons": list(REASONS),
        }
        for place, customer in enumerate(customers)
    ]
    lake.write(SCORES.key, str(day), engine().to_pyarrow(filled(SCORES.key, *rows)))


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
