"""One step of `gtm run --due`: a run of its own in Dagster's history, in the process that asks for it."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from gtm_platform.automation.due import DUE_TAG, Step
from gtm_platform.orchestration.compat import was_interrupted
from gtm_platform.orchestration.liveness import execute_here, sentence

QUIET: Mapping[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
MADE, FAILED, LEFT = "made", "failed", "left"
ROWS = ("dagster/partition_row_count", "dagster/row_count")
# What deliveries count of what they did outside.
COUNTED = ("written", "created", "associations_made", "unchanged", "held", "rejected", "sent", "messages")
# Who made a run, and where the UI has its job.
ORIGIN = {DUE_TAG: "true", ".dagster/repository": "__repository__@gtm_platform"}


@dataclass(frozen=True)
class Outcome:
    """What became of something that was due."""

    name: str
    about: str
    status: str  # made, failed, left
    run_id: str = ""
    tables: int = 0
    rows: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    reason: str = ""
    was_interrupted: bool = False  # somebody ended the process; Dagster records that as a failure


def run_step(instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, step: Step) -> Outcome:
    """Run a step in this process; what became of it."""
    began = time.perf_counter()
    try:
        ran = execute_here(
            repository.get_job(step.job),
            instance,
            tags={**step.tags, **ORIGIN},
            asset_selection=list(step.assets) or None,
            run_config={**QUIET, **step.config},
        )
    except Exception as error:  # it could not even begin: a partition that is no more, a config that does not fit
        reason = str(error) or type(error).__name__
        return Outcome(step.name, step.about, FAILED, reason=reason, seconds=time.perf_counter() - began)
    interrupted = was_interrupted(ran)
    made = [event.materialization for event in ran.get_asset_materialization_events()]
    return Outcome(
        step.name,
        step.about,
        MADE if ran.success else FAILED,
        ran.run_id,
        len({each.asset_key for each in made}),
        sum(_number(each, *ROWS) for each in made),
        _counts(made),
        time.perf_counter() - began,
        "" if ran.success else "it was interrupted" if interrupted else _sentences(ran),
        interrupted,
    )


def _sentences(ran: dg.ExecuteInProcessResult) -> str:
    errors = [event.step_failure_data.error for event in ran.all_events if event.is_step_failure]
    return "; ".join(dict.fromkeys(sentence(error) for error in errors if error)) or "see the run in the UI"


def _counts(made: Sequence[dg.AssetMaterialization]) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for each in made:
        if each.asset_key.path[0] in ("delivery", "alerts"):
            counted.update({name: _number(each, name) for name in COUNTED})
    return {name: number for name, number in counted.items() if number}


def _number(made: dg.AssetMaterialization, *names: str) -> int:
    """Return the first of some figures of a materialisation that it has as a number."""
    for name in names:
        value = made.metadata.get(name)
        if value is not None and isinstance(value.value, int | float):
            return int(value.value)
    return 0
