"""The platform's models by month, and the highest scores of the newest day once they may be shown."""

import json
from typing import Any

from gtm_platform.intelligence.churn.model import MODEL as CHURN
from gtm_platform.intelligence.churn.scores import TABLE as CHURN_SCORES
from gtm_platform.intelligence.leads.model import MODEL as LEADS
from gtm_platform.intelligence.leads.scores import TABLE as LEAD_SCORES
from gtm_platform.intelligence.models.monthly import MonthlyModel
from gtm_platform.intelligence.models.registry import SHOWN
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.lake import Lake
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft

MODELS = ((CHURN, CHURN_SCORES), (LEADS, LEAD_SCORES))
MONTHS, LISTED = 24, 100
DATES = ("month", "tested_on", "available_on", "trained_from", "trained_until")
COLUMNS = (
    *("rows", "events", "test_rows", "test_events", "verdict", "stage", "model", "base_rate", "auc", "auc_low"),
    *("auc_high", "brier", "brier_of_base_rate", "skill", "ece", "ece_floor", "lift", "drift", "drifted_column"),
    *("policy_hash", "library", "calibration", "importance", "leaks"),
)
IDS = "select customer_id from customers union select company_id from companies"
DETAILS = {"calibration": list, "importance": dict, "leaks": dict}


def make(draft: Draft) -> dict[str, Any]:
    """Return of each model its months' figures, the newest in detail, and scores that are shown."""
    return {"as_of": draft.landing.day, "models": [_report(draft, model, scores) for model, scores in MODELS]}


def _report(draft: Draft, model: MonthlyModel, table: DailyTable) -> dict[str, Any]:
    lake, day = draft.landing.lake, draft.landing.day
    months = _months(lake, model.registry, [m for m in lake.partitions(model.registry) if m <= day][-MONTHS:])
    newest = months[0] if months else {}
    details = {name: json.loads(newest.get(name) or "null") or empty() for name, empty in DETAILS.items()}
    scores = _read(
        lake, table.key, [day], f"select {model.subject} as id, score, stage, base_log_odds, reasons from days"
    )
    ids = {name for (name,) in draft.db.execute(IDS)}
    shown = [row for row in scores if row["stage"] == SHOWN and row["id"] in ids]
    return {
        "name": model.name,
        "title": model.title,
        "about": model.about,
        "subjects": model.subjects,
        "event": model.event,
        "horizon_days": model.horizon(draft.landing.rules),
        "months": [{name: value for name, value in month.items() if name not in DETAILS} for month in months],
        **details,
        "scored": len(scores),
        "scores": [
            {name: value for name, value in row.items() if name != "stage"}
            for row in sorted(shown, key=lambda row: (-row["score"], row["id"]))[:LISTED]
        ],
    }


def _months(lake: Lake, table: str, partitions: list[str]) -> list[dict[str, Any]]:
    dates = ", ".join(f"{name}::varchar as {name}" for name in DATES)
    columns = ", ".join(f'"{name}"' for name in COLUMNS)
    return _read(lake, table, partitions, f"select {dates}, {columns} from days order by month desc")


def _read(lake: Lake, table: str, partitions: list[str], query: str) -> list[dict[str, Any]]:
    """Return the rows of a query over some partitions of a table."""
    files = [file for file in lake.files(table) if file.partition in set(partitions)]
    read = lake.file_query(table, files)
    with cursor() as connection, lake.naming_damage(lambda: read.files):
        result = connection.execute(f"with days as ({read.sql}) {query}")
        names = [column[0] for column in result.description or []]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


FACT = Fact("models", "Whether the models can be believed, and what they say once that is shown.", make)
