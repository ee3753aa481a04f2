"""The newest test of each model beside the one before, out of the registries in the lake."""

import json
from typing import Any

from gtm_platform.delivery.alerts.kinds.model_result import ModelTest
from gtm_platform.intelligence.churn.model import MODEL as CHURN
from gtm_platform.intelligence.leads.model import MODEL as LEADS
from gtm_platform.intelligence.models.monthly import MonthlyModel
from gtm_platform.lake.encrypted_files import plain_name
from gtm_platform.lake.lake import File, Lake
from gtm_platform.policy import policy

COLUMNS = ("month", "verdict", "drift", "drifted_column")
MODELS = (  # with what is delivered while there is no signal
    (CHURN, "The base rate is delivered, and churn risk is by formula."),
    (LEADS, "The base rate is delivered, and no lead is named by its score."),
)


def read_model_tests(lake: Lake, cursor: str | None) -> tuple[list[ModelTest], str]:
    """Return each model's newest test where it, or that before, was written anew; and the cursor."""
    seen: dict[str, str] = json.loads(cursor or "{}")
    tests = []
    for model, without_signal in MODELS:
        newest = sorted(lake.files(model.registry), key=lambda file: file.partition)[-2:]
        names = " ".join(plain_name(file.path.name) for file in newest)
        if newest and seen.get(model.name) != names:
            tests.append(_test(model, [_row(lake, model, file) for file in newest], without_signal))
        seen[model.name] = names
    return tests, json.dumps(seen)


def _test(model: MonthlyModel, rows: list[dict[str, Any]], without_signal: str) -> ModelTest:
    *before, now = rows
    return ModelTest(
        model=model.title.lower(),
        page=f"/assets/{model.registry}",
        month=f"{now['month']}",
        verdict=now["verdict"],
        drift=now["drift"],
        drifted_column=now["drifted_column"],
        verdict_before=before[0]["verdict"] if before else None,
        drift_before=before[0]["drift"] if before else None,
        drift_fail=policy().intelligence.drift_fail,
        subjects=model.subjects,
        without_signal=without_signal,
    )


def _row(lake: Lake, model: MonthlyModel, file: File) -> dict[str, Any]:
    months = lake.partition(model.registry, file.partition).select(*COLUMNS).to_pyarrow().to_pylist()
    row: dict[str, Any] = months[0]
    return row
