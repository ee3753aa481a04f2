"""Webhooks: which are on, what came of them lately, and whether something is wrong with one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Literal

from pydantic import BaseModel, Field

from gtm_platform.ingest.hooks.hook import Hook, discover_hooks
from gtm_platform.policy import Hooks, policy
from gtm_platform.serving.answers.hot_path import HotPathAnswer
from gtm_platform.state import State
from gtm_platform.state.hook_events import ACCEPTED, REPEATED, HookCount, counts_since, waiting_by_hook

SHOWN_DAYS, JUDGED_DAYS = 14, 30
LEAST_ACTIVE_DAYS = 3  # before silence is unusual
OF_SIGNATURES = ("bad_signature", "no_signature", "too_old")
REFUSALS = {
    "bad_signature": "signed with another secret, or not over this body",
    "no_signature": "not signed",
    "too_old": "signed too long ago, or by a clock that is wrong",
    "malformed": "no event of the system",
    "too_large": "too large",
    "too_slow": "too slow",
    "flooded": "more than could be kept",
    "off": "switched off here",
}


class HookState(BaseModel):
    """A webhook, and what came of its deliveries in 14 days."""

    name: str
    title: str = Field(description="What people call the system.")
    path: str = Field(description="Where it is received.")
    source: str = Field(description="Whose windows are read because of it.")
    is_on: bool
    missing: list[str] = Field(description="What is to be set before it is on.")
    last_event_at: datetime | None = Field(description="When an event came last; null where none has.")
    accepted: int = Field(description="Events in 14 days, each once.")
    accepted_today: int
    duplicates: int = Field(description="Events that came again and were here already.")
    refused: int = Field(description="Deliveries that were refused.")
    refusals: dict[str, int] = Field(description="How many of them, by reason.")
    waiting: int = Field(description="Events that no run has read yet.")
    trouble: Literal["refused", "silent", ""] = Field(description="What is wrong with it; empty where nothing is.")
    about: str = Field(description="Its state as a sentence.")


class HooksAnswer(BaseModel):
    """Every webhook that can be received."""

    address: str = Field(description="Under which systems reach the API; that of this machine where none is set.")
    hooks: list[HookState]
    hot_path: HotPathAnswer | None = Field(None, description="What became of those that were followed at once.")


def hooks_now(state: State, now: datetime, hooks: Sequence[Hook] | None = None) -> list[HookState]:
    """Return each webhook as it is now."""
    with state.reading() as tx:
        counts = counts_since(tx, str(now.date() - timedelta(days=JUDGED_DAYS - 1)))
        waiting = waiting_by_hook(tx)
    by_hook: dict[str, list[HookCount]] = defaultdict(list)
    for count in counts:
        by_hook[count.hook].append(count)
    listed = discover_hooks() if hooks is None else hooks
    return [_state(hook, by_hook[hook.name], waiting.get(hook.name, 0), now, policy().hooks) for hook in listed]


def _state(hook: Hook, counts: Sequence[HookCount], waiting: int, now: datetime, rules: Hooks) -> HookState:
    missing, first = hook.missing(), str(now.date() - timedelta(days=SHOWN_DAYS - 1))
    shown = [count for count in counts if count.day >= first]
    refusals = _by_outcome(count for count in shown if count.outcome in REFUSALS)
    arrived = [count for count in counts if count.outcome in (ACCEPTED, REPEATED)]
    trouble = "" if missing else _trouble(counts, arrived, now, rules)
    last_at = max((count.last_at for count in arrived), default=None)
    totals = _by_outcome(shown)
    today = _by_outcome(count for count in shown if count.day == str(now.date()))
    return HookState(
        name=hook.name,
        title=hook.title,
        path=hook.path,
        source=hook.source,
        is_on=not missing,
        missing=missing,
        last_event_at=last_at,
        accepted=totals.get(ACCEPTED, 0),
        accepted_today=today.get(ACCEPTED, 0),
        duplicates=totals.get(REPEATED, 0),
        refused=sum(refusals.values()),
        refusals=refusals,
        waiting=waiting,
        trouble=trouble,
        about=_about(missing, trouble, last_at, refusals),
    )


def _by_outcome(counts: Iterable[HookCount]) -> dict[str, int]:
    totals: dict[str, int] = defaultdict(int)
    for count in counts:
        totals[count.outcome] += count.count
    return dict(totals)


def _trouble(
    counts: Sequence[HookCount], arrived: Sequence[HookCount], now: datetime, rules: Hooks
) -> Literal["refused", "silent", ""]:
    """All signatures of a day are refused; or what used to come has stopped."""
    since = now - timedelta(days=1)
    refused = sum(count.count for count in counts if count.outcome in OF_SIGNATURES and _day(count.day) >= since.date())
    if refused >= rules.refused_least and not any(count.last_at >= since for count in arrived):
        return "refused"
    days = sorted({_day(count.day) for count in arrived})
    if len(days) < LEAST_ACTIVE_DAYS:
        return ""
    pause = max((after - before) for before, after in pairwise(days))
    allowed = max(pause * rules.silent_factor, timedelta(hours=rules.silent_least_hours))
    return "silent" if now - max(count.last_at for count in arrived) > allowed else ""


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _about(missing: Sequence[str], trouble: str, last_at: datetime | None, refusals: Mapping[str, int]) -> str:
    if missing:
        return f"Off: set {' and '.join(missing)}."
    last = f"the last event came on {last_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if last_at else "no event has come"
    if trouble == "refused":
        worst = max((name for name in refusals if name in OF_SIGNATURES), key=lambda name: refusals[name])
        return f"Every delivery of a day was refused, most as {REFUSALS[worst]}; {last}."
    if trouble == "silent":
        return f"It used to come and does not: {last}."
    return f"On; {last}." if last_at else "On; no event has come yet."
