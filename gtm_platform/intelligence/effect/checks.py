"""Asset checks of experiments: whether the policy's is registered, and what it has shown so far, as a plot."""

from datetime import date
from typing import Any

import dagster as dg

from gtm_platform.intelligence.effect.effect import TABLE as EFFECT
from gtm_platform.intelligence.effect.experiments import Experiment, experiments_of_home
from gtm_platform.intelligence.effect.holdout import TABLE as HOLDOUT
from gtm_platform.intelligence.effect.plot import history_of, plot
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.policy import policy
from gtm_platform.settings import settings

SHOWN = ("outcome", "treated", "withheld", "difference", "low", "high", "verdict")


@dg.asset_check(
    asset=HOLDOUT.key.split("/"),
    name="as_registered",
    description="The experiment of the policy is registered as it stands there, or withholds from nobody.",
)
def as_registered() -> dg.AssetCheckResult:
    """Compare the policy with what was registered; only that counts."""
    terms = policy().effect
    registered = {each.name: each for each in experiments_of_home()}
    of_policy = registered.get(terms.experiment)
    wrong = ""
    if terms.share and of_policy is None:
        wrong = f"{terms.experiment} is not registered, so that nothing is withheld: gtm effect register"
    elif of_policy and terms.share and of_policy.terms != terms:
        wrong = f"{terms.experiment} was registered with other terms, and those count. A changed one needs a new name."
    names = [f"{name} ({_when(each)})" for name, each in registered.items()]
    return dg.AssetCheckResult(
        passed=not wrong,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"registered": ", ".join(names) or "none"},
        description=wrong or (f"Registered: {', '.join(names)}." if names else "No experiment is registered."),
    )


@dg.asset_check(
    asset=EFFECT.key.split("/"),
    name="effect_so_far",
    description="The newest experiment's difference with its interval, day by day. It fails where it does harm.",
)
def effect_so_far(lake: LakeResource) -> dg.AssetCheckResult:
    """Draw the registered outcome of the newest experiment; fail where the treatment makes it worse."""
    rows = history_of(lake.open())
    if not rows:
        return dg.AssetCheckResult(passed=True, description="No experiment has begun.")
    newest = [row for row in rows if row["day"] == rows[-1]["day"]]
    [primary] = [row for row in newest if row["is_primary"]]
    harm = primary["verdict"] == ("more with it" if primary["outcome"] == "churn" else "less with it")
    path = [row for row in rows if row["outcome"] == primary["outcome"]]
    records = [dg.TableRecord({name: _cell(row[name]) for name in SHOWN}) for row in newest]
    sentence = f"{primary['experiment']}, {primary['outcome']}: {primary['verdict']}."
    return dg.AssetCheckResult(
        passed=not harm,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "plot": dg.MetadataValue.md(plot(path, f"Difference in {primary['outcome']}, day by day")),
            "effect": dg.MetadataValue.table(records),
        },
        description=f"{sentence} It does harm: stop it with gtm effect stop {primary['experiment']}."
        if harm
        else sentence,
    )


def _when(experiment: Experiment) -> str:
    ends_on, today = experiment.ends_on(), settings().now().date()
    state = "to come" if today < experiment.starts_on else "over" if ends_on and ends_on < today else "goes on"
    return f"{experiment.starts_on} to {ends_on or 'its last outcome'}, {state}"


def _cell(value: Any) -> str | int | float:
    if isinstance(value, date):
        return str(value)
    return "" if value is None else value if isinstance(value, int | float) else str(value)
