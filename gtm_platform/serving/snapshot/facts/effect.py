"""What experiments show that the platform changes, day by day, and the metrics of success."""

from typing import Any

from gtm_platform.intelligence.effect.effect import TABLE as EFFECT
from gtm_platform.intelligence.effect.experiments import Experiment
from gtm_platform.intelligence.effect.plot import history_of
from gtm_platform.intelligence.effect.shown_lake import experiments_in
from gtm_platform.intelligence.effect.success import METRICS
from gtm_platform.intelligence.effect.success import TABLE as SUCCESS
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.expressions.money import minor_units
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft, Landing, instant
from gtm_platform.serving.snapshot.tables import rows_of_day

FIGURES = (
    *("mean_treated", "mean_withheld", "difference", "low", "high"),
    *("total", "total_low", "total_high"),
)
MONTHS_SHOWN = 24


def make(draft: Draft) -> dict[str, Any]:
    """Return the experiments with what they show, the newest one's path, and success now and by month."""
    landing = draft.landing
    experiments = {each.name: each for each in experiments_in(landing.lake)}
    effects = rows_of_day(landing, EFFECT.key, "from rows order by starts_on desc, experiment, outcome")
    measured = {row["experiment"]: row for row in effects}
    path = [_point(row) for row in history_of(landing.lake, landing.day) if row["is_primary"]]
    return {
        "experiments": [
            _experiment(each, landing, measured.get(each.name)) for each in reversed(list(experiments.values()))
        ],
        "effects": [_in_units(row, landing) for row in effects],
        "path": [_in_units(row, landing) for row in path],
        "metrics": [_metric(row) for row in rows_of_day(landing, SUCCESS.key, "from rows")],
        "months": _months(landing),
    }


def _experiment(experiment: Experiment, landing: Landing, row: dict[str, Any] | None) -> dict[str, Any]:
    terms = experiment.terms
    ends_on = (row and row["ends_on"]) or experiment.ends_on()
    begins = str(experiment.starts_on)
    state = "to come" if landing.day < begins else "over" if ends_on and str(ends_on) < landing.day else "running"
    return {
        "experiment": experiment.name,
        "state": "stopped" if experiment.stopped_on else state,
        "registered_at": instant(experiment.registered_at),
        "starts_on": begins,
        "ends_on": str(ends_on) if ends_on else None,
        "stopped_because": experiment.stopped_reason,
        **{
            name: getattr(terms, name)
            for name in ("hypothesis", "share", "withholds", "enters", "outcome", "outcome_days", "confidence")
        },
        "sample_size": terms.sample_size,
    }


def _point(row: dict[str, Any]) -> dict[str, Any]:
    names = ("day", "experiment", "outcome", "treated", "withheld", "difference", "low", "high")
    return {name: row[name] for name in names}


def _in_units(row: dict[str, Any], landing: Landing) -> dict[str, Any]:
    """Return a row with money in the reporting currency; churn is a share, and its total a number of customers."""
    units = 1 if row["outcome"] == "churn" else minor_units(landing.rules.money.reporting_currency)
    return {name: value / units if name in FIGURES and value is not None else value for name, value in row.items()}


def _metric(row: dict[str, Any]) -> dict[str, Any]:
    metric = METRICS[row["metric"]]
    shown = {"title": metric.title, "unit": metric.unit, "good": metric.good, "tables": list(metric.tables)}
    return {**row, **shown}


def _months(landing: Landing) -> list[dict[str, Any]]:
    """Return each metric at the end of each month, or on the newest day of the one that goes on."""
    days = [day for day in landing.lake.partitions(SUCCESS.key) if day <= landing.day]
    last = {day[:7]: day for day in days}
    wanted = set(list(last.values())[-MONTHS_SHOWN:])
    files = [file for file in landing.lake.files(SUCCESS.key) if file.partition in wanted]
    at_ends: list[dict[str, Any]] = []
    for file in files:
        query = landing.lake.file_query(SUCCESS.key, [file])
        with cursor() as connection, landing.lake.naming_damage(lambda: query.files):  # noqa: B023  called at once
            rows = connection.execute(f"select metric, value, basis from ({query.sql}) order by metric").fetchall()
        at_ends += [{"day": file.partition, "metric": row[0], "value": row[1], "basis": row[2]} for row in rows]
    return at_ends


FACT = Fact("effect", "What experiments show that the platform changes, and the metrics of success.", make)
