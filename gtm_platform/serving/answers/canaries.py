"""Canaries: what each stage saw in time of what these synthetic customers did, and which failed."""

from collections.abc import Sequence
from datetime import date, datetime

from pydantic import BaseModel, Field

from gtm_platform.delivery.canaries.stages import ABOUT, STAGES, CanaryStage, StageState, failing, stages_now
from gtm_platform.policy import policy
from gtm_platform.state import State

SHOWN_ACTS = 12


class StageHealth(BaseModel):
    """A stage, and how it stands."""

    stage: str
    about: str = Field(description="What it has to have done of what a canary did.")
    failed: str | None = Field(description="What it did not see in time; null while it works.")
    seen_at: datetime | None = Field(description="When it last saw something of a canary.")


class CanaryActSeen(BaseModel):
    """What a canary did, and what each stage made of it."""

    canary: str
    act: str = Field(description="sign_up, complain, pay_late, churn or removed.")
    day: date
    stages: dict[str, StageState] = Field(description="seen, seen_late, waiting, failed or blocked, by stage.")


class CanariesAnswer(BaseModel):
    """Synthetic customers that show that everything works; they are in no other answer."""

    domains: list[str] = Field(description="At which they have their addresses; none without.")
    stages: list[StageHealth]
    acts: list[CanaryActSeen] = Field(description="The newest first, at most twelve.")


def canaries_now(state: State, now: datetime) -> CanariesAnswer:
    """Return the stages as they are now."""
    rules = policy().canaries
    stages = stages_now(state, rules, now)
    late = failing(stages)
    return CanariesAnswer(
        domains=list(rules.domains),
        stages=[_health(stage, late.get(stage), stages) for stage in STAGES] if stages else [],
        acts=_acts(stages),
    )


def _health(stage: str, failed: CanaryStage | None, stages: Sequence[CanaryStage]) -> StageHealth:
    seen = [each.seen_at for each in stages if each.stage == stage and each.seen_at]
    sentence = failed.about if failed else None
    return StageHealth(stage=stage, about=ABOUT[stage], failed=sentence, seen_at=max(seen, default=None))


def _acts(stages: Sequence[CanaryStage]) -> list[CanaryActSeen]:
    by_act: dict[tuple[str, str, str], dict[str, StageState]] = {}
    for each in stages:
        by_act.setdefault((each.day, each.canary, each.act), {})[each.stage] = each.state
    newest = sorted(by_act, reverse=True)[:SHOWN_ACTS]
    return [
        CanaryActSeen(canary=canary, act=act, day=date.fromisoformat(day), stages=by_act[day, canary, act])
        for day, canary, act in newest
    ]
