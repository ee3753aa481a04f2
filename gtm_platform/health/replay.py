"""Health of past days by other rules, beside what it was: who would stand where, and how early each churn would have
been flagged. History itself is not touched: what is computed goes into an overlay of the lake.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from gtm_platform.health import customer_health
from gtm_platform.health.customer_health import NOT_AT_RISK
from gtm_platform.health.recomputation import BY_KEY, changes_facts, make_again, upstream
from gtm_platform.health.rules import policy_of
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.overlay import Overlay, scratch_folder
from gtm_platform.policy import Policy

HEALTH = customer_health.TABLE.key
ENGAGEMENT = ("logins_for_full_engagement", "logins_share", "onboarding_share")
NOT_COMPARED = ("customer_id", "policy_hash")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Move:
    """A customer whose status would be another on the last day."""

    customer_id: str
    before: str | None
    after: str | None
    score_before: int | None
    score_after: int | None
    mrr: Decimal | None


@dataclass(frozen=True)
class Churn:
    """A customer who left, and how many days before it was first flagged: by history, by the rules."""

    customer_id: str
    day: str
    flagged_before: int | None
    flagged_after: int | None


@dataclass(frozen=True)
class Replay:
    """Days by other rules, in an overlay of the lake that holds history."""

    history: Lake
    lake: Lake
    days: Sequence[str]  # those that are compared

    def moves(self) -> list[Move]:
        """List whose status would be another on the last day, by the money at stake."""
        last = self.days[-1]
        before, after = (
            _rows(lake, HEALTH, last, "health_status", "health_score") for lake in (self.history, self.lake)
        )
        worth = _rows(self.history, "core/revenue", last, "mrr_reporting")
        moves = [
            _move(customer, before.get(customer, {}), after.get(customer, {}), worth.get(customer, {}))
            for customer in sorted(before.keys() | after.keys())
        ]
        changed = [move for move in moves if move.before != move.after]
        return sorted(changed, key=lambda move: (-(move.mrr or 0), move.customer_id))

    def churns(self) -> list[Churn]:
        """List who churned within the days, with how early it was flagged: below healthy for the first time."""
        flagged = [_first_flagged(lake, self.days) for lake in (self.history, self.lake)]
        return [
            Churn(customer, day, *(_days_between(first.get(customer), day) for first in flagged))
            for customer, day in _churned(self.history, self.days).items()
        ]

    def differing_days(self) -> list[str]:
        """List the days on which any row of health would be another, but for the hash of the rules."""
        return [day for day in self.days if _whole(self.history, day) != _whole(self.lake, day)]


def _move(customer: str, before: Row, after: Row, worth: Row) -> Move:
    return Move(
        customer_id=customer,
        before=before.get("health_status"),
        after=after.get("health_status"),
        score_before=before.get("health_score"),
        score_after=after.get("health_score"),
        mrr=worth.get("mrr_reporting"),
    )


@contextmanager
def replayed(lake: Lake, by: Policy, days: int, warm_up: int = 0, then: Sequence[DailyTable] = ()) -> Iterator[Replay]:
    """Make the newest days of health again by other rules, and the tables `then` that are made of it.

    So many days before them, `warm_up`, are made by these rules too: alerts compare a day with those before it.
    """
    made = lake.partitions(HEALTH)
    if not made:
        raise LookupError("No health was computed in this home yet: there is nothing to replay.")
    with scratch_folder(lake) as folder:
        overlay = Overlay(folder, lake)
        for day in made[-(days + warm_up) :]:
            make_again(overlay, day, by, [*_facts_to_make(lake, day, by), customer_health.TABLE, *then])
        yield Replay(lake, overlay, made[-days:])


def _facts_to_make(lake: Lake, day: str, by: Policy) -> Sequence[DailyTable]:
    """Return what has to be made again before health: nothing where the day was made by rules that say the same."""
    stored = lake.partition(HEALTH, day)
    hashes = [row["policy_hash"] for row in stored.select("policy_hash").distinct().to_pyarrow().to_pylist()]
    made_by = policy_of(lake, hashes[0]) if len(hashes) == 1 else None
    if made_by is None:
        return upstream() if hashes else ()
    if changes_facts(made_by, by):
        return upstream()
    scores_engagement = any(getattr(made_by.health, name) != getattr(by.health, name) for name in ENGAGEMENT)
    return (BY_KEY["core/activity"],) if scores_engagement else ()


def _churned(lake: Lake, days: Sequence[str]) -> dict[str, str]:
    """Return the first day on which each customer had churned who was a current one on the day before."""
    churned: dict[str, str] = {}
    before: set[str] = set()
    for day in days:
        rows = _rows(lake, "core/profile", day, "customer_status", "is_customer")
        gone = {customer for customer, row in rows.items() if row["customer_status"] == "churned"}
        churned |= {customer: day for customer in sorted(gone & before) if customer not in churned}
        before = {customer for customer, row in rows.items() if row["is_customer"]}
    return churned


def _first_flagged(lake: Lake, days: Sequence[str]) -> dict[str, str]:
    first: dict[str, str] = {}
    for day in days:
        for customer, row in _rows(lake, HEALTH, day, "health_status").items():
            if row["health_status"] not in (None, *NOT_AT_RISK):
                first.setdefault(customer, day)
    return first


def _days_between(first: str | None, day: str) -> int | None:
    if first is None:
        return None
    return max(timedelta(0), date.fromisoformat(day) - date.fromisoformat(first)).days


def _rows(lake: Lake, table: str, day: str, *columns: str) -> dict[str, Row]:
    rows = lake.partition(table, day).select("customer_id", *columns).to_pyarrow().to_pylist()
    return {row["customer_id"]: row for row in rows}


def _whole(lake: Lake, day: str) -> dict[str, Row]:
    return _rows(lake, HEALTH, day, *(name for name in customer_health.CONTRACT.columns if name not in NOT_COMPARED))
