"""The asset of a monthly model, its checks, its job and its schedule."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg

from gtm_platform.health.backtest_history import NoHistory
from gtm_platform.http.redaction import redact_exceptions
from gtm_platform.intelligence.models import registry
from gtm_platform.intelligence.models.monthly import MonthlyModel, NothingToLearn
from gtm_platform.lake.dagster.asset_pages import definition_metadata
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.compat import output_without_materialization
from gtm_platform.orchestration.graph_policy import OWNERS, made_each
from gtm_platform.orchestration.judged_months import MONTHS, all_days_of, request_newest
from gtm_platform.policy import policy
from gtm_platform.policy.intelligence import Intelligence

BAR = 20  # characters


@dataclass(frozen=True)
class ModelDefinitions:
    """What a monthly model adds to the graph."""

    asset: dg.AssetsDefinition
    checks: dg.AssetChecksDefinition
    job: Any  # Dagster has no public name for a job that is yet to be resolved
    schedule: dg.ScheduleDefinition


def definitions_of(model: MonthlyModel) -> ModelDefinitions:
    """Return asset, checks, job and schedule of a model."""
    job = dg.define_asset_job(
        model.name,
        selection=dg.AssetSelection.assets(_key(model)),
        description=f"Trains the month's model of {model.about}, and tests it on {model.subjects} of a later day.",
    )
    return ModelDefinitions(_asset(model), _checks(model), job, _schedule(model, job))


def _key(model: MonthlyModel) -> dg.AssetKey:
    return dg.AssetKey(model.registry.split("/"))


def _asset(model: MonthlyModel) -> dg.AssetsDefinition:
    about = registry.declare_registry(model).about

    @dg.asset(
        key=_key(model),
        description=f"{about} The month is the one on whose first day it was tested, the horizon after which is over.",
        group_name=model.group,
        kinds={"parquet", "scikitlearn"},
        owners=OWNERS,
        partitions_def=MONTHS,
        freshness_policy=made_each(31),
        deps=all_days_of(model.features.key, *model.learns_of),
        output_required=False,
        metadata=definition_metadata(model.registry, policy=True),
    )
    def monthly_model(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult[None]:
        """Train and test the partition's month, as far as the lake has it."""
        try:
            row = write_month(model, lake.open(), context.partition_key)
        except (NothingToLearn, NoHistory) as nothing:
            context.log.info(str(nothing))
            return output_without_materialization()
        return dg.MaterializeResult(metadata=metadata_of(model, row))

    return monthly_model


@redact_exceptions()
def write_month(model: MonthlyModel, lake: Lake, month: str) -> Mapping[str, Any]:
    """Train a month's model, and keep it in the registry."""
    from gtm_platform.intelligence.learning.months import train_month

    row = train_month(model, lake, date.fromisoformat(month), policy())
    lake.write(model.registry, month, registry.as_table(model, row))
    return row


def metadata_of(model: MonthlyModel, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the model card: verdict, data, figures to plot, what was said and what came, what matters."""
    figures = {f"figure/{name}": row.get(name) for name in registry.FIGURES}
    counts = {f"count/{name}": row[name] for name in ("rows", "events", "test_rows", "test_events")}
    return {
        "verdict": row["verdict"],
        "stage": row["stage"],
        "data": f"learned of {row['trained_from']} to {row['trained_until']}, tested on {row['tested_on']}",
        "calibration": dg.MetadataValue.md(calibration_plot(model, row)),
        "what matters": dg.MetadataValue.md(importance_plot(row)),
        **{name: value for name, value in figures.items() if value is not None},
        **counts,
        "technical/model": row.get("model") or "none",
        "technical/policy_hash": row["policy_hash"],
        "technical/code_version": row["code_version"],
        "technical/library": row["library"],
    }


def calibration_plot(model: MonthlyModel, row: Mapping[str, Any]) -> str:
    """Draw what was said of each tenth of those tested, and what came."""
    bins = json.loads(row.get("calibration") or "[]")
    most = max([*(max(each["predicted"], each["observed"]) for each in bins), 0.001])

    def bar(share: float) -> str:
        return f"`{'█' * round(BAR * share / most)}` {share:.1%}"

    rows = [f"| {each['rows']} | {bar(each['predicted'])} | {bar(each['observed'])} |" for each in bins]
    return "\n".join([f"| {model.subjects} | said | came |", "|--:|---|---|", *rows])


def importance_plot(row: Mapping[str, Any]) -> str:
    """Draw how far each column moves a score."""
    moves: dict[str, float] = json.loads(row.get("importance") or "{}")
    most = max([*moves.values(), 0.001])
    rows = [f"| {name} | `{'█' * round(BAR * value / most)}` {value:.2f} |" for name, value in moves.items()]
    return "\n".join(["| column | moves the log-odds by |", "|---|---|", *rows])


# --- checks ----------------------------------------------------------------------------------------------------------

CHECKS = ("readable", "auc", "lift", "days_ahead", "brier", "ece", "drift")


def _about_checks(model: MonthlyModel) -> dict[str, str]:
    return {
        "readable": "The newest month's model can be read by this version of the platform.",
        "auc": f"The newest month's model ranks who {model.event} before who did not (intelligence.least_auc).",
        "lift": f"Of the tenth with the highest scores more {model.event}, by intelligence.least_lift.",
        "days_ahead": "These had days left then, in the median by intelligence.least_days_ahead.",
        "brier": "It foretells better than the base rate for everybody.",
        "ece": "What it said is as far from what came as a perfect model's, or not much further "
        "(intelligence.max_calibration_gap).",
        "drift": f"{model.subjects.capitalize()} that it was tested on are like those that it learned of "
        "(intelligence.drift_warn, drift_fail).",
    }


def _checks(model: MonthlyModel) -> dg.AssetChecksDefinition:
    about = _about_checks(model)

    @dg.multi_asset_check(
        name=f"{model.name}_is_good",
        specs=[dg.AssetCheckSpec(name, asset=_key(model), description=about[name]) for name in CHECKS],
        can_subset=True,
    )
    def checks(context: dg.AssetCheckExecutionContext, lake: LakeResource) -> Iterator[dg.AssetCheckResult]:
        """Look at the figures of the newest month."""
        row = newest_row(model, lake.open())
        for key in sorted(context.selected_asset_check_keys):
            yield judged(model, key.name, row, policy().intelligence)

    return checks


def newest_row(model: MonthlyModel, lake: Lake) -> Mapping[str, Any] | None:
    """Return the newest month of the registry; None without a month."""
    months = lake.partitions(model.registry)[-1:]
    rows = [lake.partition(model.registry, month).to_pyarrow().to_pylist() for month in months]
    newest: Mapping[str, Any] | None = rows[0][0] if rows else None
    return newest


def judged(model: MonthlyModel, name: str, row: Mapping[str, Any] | None, rules: Intelligence) -> dg.AssetCheckResult:
    """Judge a figure of a month by the policy; what cannot be judged yet passes, and says so."""
    if row is None or row["verdict"] == "too little data":
        return _result(model, name, True, "There is no model yet that could be judged.", {})
    if name == "readable":
        try:
            registry.unpacked(model, row)
        except registry.UnreadableModel as unreadable:
            return _result(model, name, False, str(unreadable), {})
        return _result(model, name, True, f"Written with {row['library']}.", {})
    calibration = dg.MetadataValue.md(calibration_plot(model, row))
    if name == "auc":
        metadata = {figure: row[figure] for figure in ("auc", "auc_low", "auc_high", "lift")}
        text = f"AUC {row['auc']:.3f}, at least {rules.least_auc} is wanted."
        return _result(model, name, row["auc"] >= rules.least_auc, text, metadata)
    if name == "lift":
        text = f"{row['lift']:.1f} times as many as of all, at least {rules.least_lift} times is wanted."
        metadata = {"lift": row["lift"], "base_rate": row["base_rate"], "calibration": calibration}
        return _result(model, name, row["lift"] >= rules.least_lift, text, metadata)
    if name == "days_ahead":
        ahead = row["days_ahead"]
        if ahead is None:
            return _result(model, name, True, f"Nobody of the highest tenth {model.event}.", {})
        text = f"{ahead:.0f} days ahead in the median, at least {rules.least_days_ahead} are wanted."
        return _result(model, name, ahead >= rules.least_days_ahead, text, {"days_ahead": ahead})
    if name == "brier":
        text = f"Brier {row['brier']:.4f}, of the base rate alone {row['brier_of_base_rate']:.4f}."
        metadata = {"brier": row["brier"], "brier_of_base_rate": row["brier_of_base_rate"], "skill": row["skill"]}
        return _result(model, name, row["brier"] < row["brier_of_base_rate"], text, metadata)
    if name == "ece":
        gap = row["ece"] - row["ece_floor"]
        text = f"ECE {row['ece']:.4f}; a perfect model has {row['ece_floor']:.4f} here by chance."
        metadata = {"ece": row["ece"], "ece_floor": row["ece_floor"], "calibration": calibration}
        return _result(model, name, gap <= rules.max_calibration_gap, text, metadata)
    text = f"{row['drifted_column']} moved furthest: {row['drift']:.3f}."
    failed = row["drift"] > rules.drift_fail
    return _result(model, name, row["drift"] <= rules.drift_warn, text, {"drift": row["drift"]}, failed=failed)


def _result(
    model: MonthlyModel, name: str, passed: bool, text: str, metadata: Mapping[str, Any], *, failed: bool = False
) -> dg.AssetCheckResult:
    severity = dg.AssetCheckSeverity.ERROR if failed else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        asset_key=_key(model),
        check_name=name,
        passed=bool(passed),
        severity=severity,
        description=text,
        metadata=dict(metadata),
    )


# --- each month ------------------------------------------------------------------------------------------------------


def _schedule(model: MonthlyModel, job: Any) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"{model.name}_schedule",
        cron_schedule=f"{model.minute} 6 2 * *",
        job=job,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Trains a model each month, tested on the last first of a month the horizon after which is over.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """Ask for the newest month whose outcome is known."""
        return request_newest(context, model.horizon(policy()))

    return schedule
