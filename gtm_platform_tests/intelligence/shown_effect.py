"""An experiment with what it found on three days, and the metrics of success, for tests of what is shown."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from gtm_platform.intelligence.effect.experiments import Experiment
from gtm_platform.intelligence.effect.shown_lake import ShownLake
from gtm_platform.intelligence.effect.success import METRICS
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Effect
from gtm_platform_tests.tables import filled

RUNNING = timedelta(days=60)
HYPOTHESIS = "Alerts keep customers."
# Of churn by how many days ago: treated, withheld, difference, low, high, verdict.
PATH = {
    2: (40, 12, None, None, None, "too few so far"),
    1: (210, 70, -0.11, -0.24, 0.02, "no difference shown"),
    0: (230, 80, -0.125, -0.225, -0.025, "less with it"),
}
VALUES = {
    "churn_rate": (0.08, 0.11, "measured"),
    "days_of_warning": (41.0, 30.0, "measured"),
    "mrr_saved": (12_345.0, 0.0, "measured"),
    "expansion_from_opportunities": (5_000.0, 1_200.0, "measured"),
    "manager_minutes": (340.0, 0.0, "estimated"),
    "coverage": (0.62, 0.5, "measured"),
}


def experiment(day: date) -> Experiment:
    """An experiment that has run for two months on the day."""
    begins = day - RUNNING
    terms = Effect(
        experiment="spring", hypothesis=HYPOTHESIS, share=0.25, starts_on=begins, sample_size=400, outcome_days=30
    )
    registered_at = datetime.combine(begins, time(9), UTC) - timedelta(days=2)
    return Experiment("spring", terms, registered_at, "Noor", "0" * 64)


def with_experiment(lake: Lake, day: date) -> ShownLake:
    """The lake as it is shown while the experiment runs; of whom it withholds is what the lake says."""
    return ShownLake(lake.root, experiments=(experiment(day),))


def effects(day: date, ago: int) -> list[dict[str, Any]]:
    """What was found so many days before."""
    treated, withheld, difference, low, high, verdict = PATH[ago]
    counts = {"entered_treated": 300, "entered_withheld": 100, "treated": treated, "withheld": withheld}
    common = {"experiment": "spring", "starts_on": day - RUNNING, **counts}
    churn = {
        "outcome": "churn",
        "is_primary": True,
        "mean_treated": 0.075,
        "mean_withheld": 0.2,
        "difference": difference,
        "low": low,
        "high": high,
        "total": difference and difference * treated,
        "verdict": verdict,
    }
    money = {"mean_treated": -1_250.0, "mean_withheld": -4_000.0, "verdict": "no difference shown"}
    others = [{"outcome": name, "difference": 2_750.0, "low": -100.0, "high": 5_600.0} for name in ("mrr", "expansion")]
    return [common | churn, *(common | money | other for other in others)]


def settle_effect(lake: Lake, day: date) -> None:
    """Write what the experiment found, and success; nobody is withheld."""
    for ago in PATH:
        _write(lake, "intelligence/effect", day - timedelta(days=ago), effects(day, ago))
    _write(lake, "intelligence/holdout", day, [])
    rows = [
        {
            "metric": name,
            "value": value,
            "baseline": baseline,
            "baseline_is": "the first day on which it was measured" if baseline is not None else "none yet",
            "baseline_on": day - timedelta(days=200) if baseline is not None else None,
            "basis": basis,
            "how": f"How {name} was measured.",
            "tables": ", ".join(METRICS[name].tables),
        }
        for name, (value, baseline, basis) in VALUES.items()
    ]
    for ago in (40, 0):
        _write(lake, "intelligence/success", day - timedelta(days=ago), rows)


def _write(lake: Lake, table: str, day: date, rows: list[dict[str, Any]]) -> None:
    lake.write(table, str(day), engine().to_pyarrow(filled(table, *rows)))
