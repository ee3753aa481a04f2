"""The hot path: whether it is on, how soon it delivers, and what it leaves to the daily tables."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel, Field

from gtm_platform.delivery.hotpath.switch import off
from gtm_platform.state import State
from gtm_platform.state.hot_path import DELIVERED, FAILED, HotRun, runs_since, switch_of

SHOWN_DAYS = 7
MEDIAN, SLOW = 0.5, 0.99


class HotPathAnswer(BaseModel):
    """What became of webhooks that were followed at once, in 7 days."""

    is_on: bool
    is_stopped: bool = Field(description="Whether somebody, or a check, stopped it.")
    events: int = Field(description="Events that were followed.")
    runs: int
    delivered: int = Field(description="Runs that wrote something, which was read back.")
    failed: int
    customers: int = Field(description="Whose rows were computed, once for each run.")
    fields: int = Field(description="Values written.")
    p50_seconds: float | None = Field(description="From the first event to what was read back; null without any.")
    p99_seconds: float | None
    stages: dict[str, float] = Field(description="Where the time goes: mean seconds by stage, of runs that delivered.")
    left: dict[str, int] = Field(description="How many customers, records or runs were left to the tables, by cause.")
    last_at: datetime | None = Field(description="When something was delivered last.")
    about: str = Field(description="Its state as a sentence.")


def hot_path_now(state: State, now: datetime) -> HotPathAnswer:
    """Return how the hot path stands."""
    with state.reading() as tx:
        runs, switch = runs_since(tx, now - timedelta(days=SHOWN_DAYS)), switch_of(tx)
    why = off(state)
    delivered = [run for run in runs if run.outcome == DELIVERED]
    seconds = sorted((run.at - run.first_event_at).total_seconds() for run in delivered)
    left: Counter[str] = Counter()
    for run in runs:
        left.update(run.left)
    return HotPathAnswer(
        is_on=why is None,
        is_stopped=bool(switch and not switch.is_on),
        events=sum(run.events for run in runs),
        runs=len(runs),
        delivered=len(delivered),
        failed=sum(run.outcome == FAILED for run in runs),
        customers=sum(run.customers for run in runs),
        fields=sum(run.fields for run in runs),
        p50_seconds=_at(seconds, MEDIAN),
        p99_seconds=_at(seconds, SLOW),
        stages=_means([run.stages for run in delivered]),
        left=dict(left),
        last_at=max((run.at for run in delivered), default=None),
        about=why or _about(runs, delivered, seconds),
    )


def _at(ordered: Sequence[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


def _means(stages: Sequence[Mapping[str, int]]) -> dict[str, float]:
    names = dict.fromkeys(name for each in stages for name in each)
    return {name: sum(each.get(name, 0) for each in stages) / len(stages) / 1000 for name in names}


def _about(runs: Sequence[HotRun], delivered: Sequence[HotRun], seconds: Sequence[float]) -> str:
    if not runs:
        return "nothing was followed in 7 days; `gtm hooks hot` follows webhooks at once."
    events, fields = sum(run.events for run in runs), sum(run.fields for run in delivered)
    soon = f", half within {_at(seconds, MEDIAN):.1f} s, 99 % within {_at(seconds, SLOW):.1f} s" if seconds else ""
    return f"{events:,} events of 7 days were followed in {len(runs):,} runs; {fields:,} values were delivered{soon}."
