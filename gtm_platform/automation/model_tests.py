"""The newest test of a model beside the one before, out of its registry in the lake."""

from typing import Any

from gtm_platform.delivery.alerts.kinds.model_result import ModelTest
from gtm_platform.intelligence.churn.registry import REGISTRY
from gtm_platform.lake.lake import File, Lake
from gtm_platform.policy import policy

COLUMNS = ("month", "verdict", "drift", "drifted_column")


def read_model_tests(lake: Lake, cursor: str | None) -> tuple[list[ModelTest], str]:
    """Return the newest month's test where it, or the month before, was written anew; and the cursor."""
    files = {file.partition: file for file in lake.files(REGISTRY)}
    newest = [files[month] for month in sorted(files)[-2:]]
    seen = " ".join(file.path.name for file in newest)
    if not newest or seen == cursor:
        return [], seen
    *before, now = (_row(lake, file) for file in newest)
    test = ModelTest(
        model="churn",
        page=f"/assets/{REGISTRY}",
        month=f"{now['month']}",
        verdict=now["verdict"],
        drift=now["drift"],
        drifted_column=now["drifted_column"],
        verdict_before=before[0]["verdict"] if before else None,
        drift_before=before[0]["drift"] if before else None,
        drift_fail=policy().intelligence.drift_fail,
    )
    return [test], seen


def _row(lake: Lake, file: File) -> dict[str, Any]:
    row: dict[str, Any] = lake.partition(REGISTRY, file.partition).select(*COLUMNS).to_pyarrow().to_pylist()[0]
    return row
