"""The hot path: whether it is on, how soon it delivers, and what it leaves to the daily tables."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, Field

from gtm_platform.delivery.hotpath.switch import off
from gtm_platform.state import State
from gtm_platform.state.hook_events import arrived_after
from gtm_platform.state.hot_path import (
    DELIVERED,
    FAILED,
    LEASE,
    SUBJECTS,
    Compared,
    HotRun,
    followed_until,
    last_comparison,
    runs_since,
    switch_of,
)
from gtm_platform.state.leases import held_by

SHOWN_DAYS = 7
MEDIAN, SLOW = 0.5, 0.99
NOT_RUNNING = "No process follows webhooks; `gtm ui`, or `gtm hooks hot`, does"
IDLE = "It follows webhooks; none came in 7 days."


class HotPathAnswer(BaseModel):
    """What became of webhooks that were followed at once, in 7 days."""

    is_on: bool
    is_stopped: bool = Field(description="Whether somebody, or a check, stopped it.")
    events: int = Field(description="Events that were followed.")
    runs: int
    delivered: int = Field(description="Runs that wrote something, which was read back.")
    failed: int
    customers: int = Field(description="Whose rows were computed, once for each run.")
    companies: int = Field(0, description="Companies whose rows were computed, likewise.")
    fields: int = Field(description="Values written.")
    messages: int = Field(0, description="Messages to who subscribed to changes.")
    alerts: int = Field(0, description="Alerts that were journaled for Slack.")
    p50_seconds: float | None = Field(description="From the first event to what was read back; null without any.")
    p99_seconds: float | None
    stages: dict[str, float] = Field(description="Where the time goes: mean seconds by stage, of runs that delivered.")
    left: dict[str, int] = Field(description="How many customers, records or runs were left to the tables, by cause.")
    last_at: datetime | None = Field(description="When something was delivered last.")
    is_running: bool = Field(False, description="Whether a process follows webhooks now.")
    process: str | None = Field(None, description="Which process that is, on which machine, since when.")
    waiting: int = Field(0, description="Events that it has not followed yet.")
    last_run: str | None = Field(None, description="What became of the newest events, as a sentence.")
    last_run_at: datetime | None = Field(None, description="When that was.")
    comparison: str | None = Field(None, description="What delivered rows came to beside the tables, last time.")
    compared_at: datetime | None = Field(None, description="When that was; null before the first.")
    about: str = Field(description="Its state as a sentence.")


def hot_path_now(state: State, now: datetime) -> HotPathAnswer:
    """Return how the hot path stands."""
    with state.reading() as tx:
        runs, switch = runs_since(tx, now - timedelta(days=SHOWN_DAYS)), switch_of(tx)
        lease, followed = held_by(tx, LEASE), followed_until(tx)
        compared = [each for subject in SUBJECTS if (each := last_comparison(tx, subject))]
        waiting = sum(each.events for each in arrived_after(tx, followed).values()) if followed is not None else 0
    why, lives = off(state), bool(lease and not lease.is_over(datetime.now(UTC)))
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
        companies=sum(run.companies for run in runs),
        fields=sum(run.fields for run in runs),
        messages=sum(run.messages for run in runs),
        alerts=sum(run.alerts for run in runs),
        p50_seconds=quantile(seconds, MEDIAN),
        p99_seconds=quantile(seconds, SLOW),
        stages=_means([run.stages for run in delivered]),
        left=dict(left),
        last_at=max((run.at for run in delivered), default=None),
        is_running=lives,
        process=str(lease) if lives else None,
        waiting=waiting if lives and why is None else 0,
        last_run=_last(runs[-1]) if runs else None,
        last_run_at=runs[-1].at if runs else None,
        comparison=" ".join(map(_comparison, compared)) or None,
        compared_at=max((each.at for each in compared), default=None),
        about=why or _about(runs, delivered, seconds, lives),
    )


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """Return the value below which a share of values in order is; None of nothing."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


def _means(stages: Sequence[Mapping[str, int]]) -> dict[str, float]:
    names = dict.fromkeys(name for each in stages for name in each)
    return {name: sum(each.get(name, 0) for each in stages) / len(stages) / 1000 for name in names}


def _about(runs: Sequence[HotRun], delivered: Sequence[HotRun], seconds: Sequence[float], lives: bool) -> str:
    if not runs:
        return IDLE if lives else f"{NOT_RUNNING}; nothing was followed in 7 days."
    events, fields = sum(run.events for run in runs), sum(run.fields for run in delivered)
    soon = (
        f", half within {quantile(seconds, MEDIAN):.1f} s, 99 % within {quantile(seconds, SLOW):.1f} s"
        if seconds
        else ""
    )
    what = f"{events:,} events of 7 days were followed in {len(runs):,} runs; {fields:,} values were delivered{soon}."
    return what if lives else f"{NOT_RUNNING}. {what}"


def _last(run: HotRun) -> str:
    seconds = (run.at - run.first_event_at).total_seconds()
    reason = f" ({run.reason})" if run.reason else ""
    return (
        f"{run.events:,} events of {run.sources}: {run.outcome}{reason}, {run.customers:,} customers, "
        f"{run.companies:,} companies, {run.fields:,} values, {seconds:.1f} s after the first."
    )


def _comparison(compared: Compared) -> str:
    return (
        f"Of {compared.day} {compared.equal:,} {compared.subject} were the same as in the tables, of "
        f"{compared.moved:,} more was read since, {compared.different:,} differed."
    )
