"""What is worth an alert on a day: plain functions from rows to facts. A fact's fingerprint makes it said once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from gtm_platform.state.slack_journal import Entry, Fact

CANCEL_MENTION, HEALTH_DROP = "cancel_mention", "health_drop"
RUN_FAILURE = "run_failure"
NOBODY = ""  # the customer of what happened to the platform itself
STATUSES = ("healthy", "at_risk", "high_risk", "critical")  # from best to worst

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Level:
    """Where a customer's health stood on a day."""

    day: str
    score: int
    status: str

    @property
    def rank(self) -> int:
        return STATUSES.index(self.status)


def cancel_mentions(day: str, customers: Iterable[Row], days: int) -> list[Fact]:
    """Customers who spoke of cancelling within so many days; one fact for each time they did."""
    found = []
    for row in customers:
        at: datetime | None = row["cancel_mentioned_at"]
        if row["is_customer"] and at and str(at.date()) > _days_before(day, days):
            mark = f"{CANCEL_MENTION}:{row['customer_id']}:{at:%Y-%m-%dT%H:%M:%SZ}"
            facts = {"mentioned_at": f"{at:%Y-%m-%d %H:%M} UTC"}
            found.append(Fact(mark, CANCEL_MENTION, row["customer_id"], day, facts))
    return found


def health_drops(
    day: str, today: Iterable[Row], past: Mapping[str, Sequence[Row]], said: Mapping[str, Entry], points: int
) -> list[Fact]:
    """Customers whose score fell by `points`, or whose status got worse, since the best of the days in `past`. What was
    said before is where the next fall is measured from, so a drop that persists is not said again."""
    levels: dict[str, list[Level]] = {}
    for then in sorted(past):
        for row in past[then]:
            levels.setdefault(row["customer_id"], []).append(_level(then, row))
    found = []
    for row in today:
        customer, now = row["customer_id"], _level(day, row)
        known = _since(said.get(customer), levels.get(customer, []), oldest=min(past, default=day))
        if known and (from_ := _fallen_from(now, known, points)):
            facts = {"score": now.score, "status": now.status, "from_score": from_.score, "from_status": from_.status}
            found.append(Fact(f"{HEALTH_DROP}:{customer}:{day}", HEALTH_DROP, customer, day, facts))
    return found


def run_failure(day: str, run_id: str, job: str, why: str) -> Fact:
    return Fact(f"{RUN_FAILURE}:{run_id}", RUN_FAILURE, NOBODY, day, {"run_id": run_id, "job": job, "why": why})


def _since(last: Entry | None, levels: Sequence[Level], oldest: str) -> list[Level]:
    """The levels from the last alert on, that alert's own included."""
    if last is None or last.day < oldest:
        return list(levels)
    alerted = Level(last.day, last.facts["score"], last.facts["status"])
    return [alerted, *(level for level in levels if level.day > last.day)]


def _fallen_from(now: Level, known: Sequence[Level], points: int) -> Level | None:
    best = max(known, key=lambda level: level.score)
    if best.score - now.score >= points:
        return best
    least_bad = min(known, key=lambda level: level.rank)
    return least_bad if now.rank > least_bad.rank else None


def _level(day: str, row: Row) -> Level:
    return Level(day, int(row["health_score"]), row["health_status"])


def _days_before(day: str, days: int) -> str:
    return (date.fromisoformat(day) - timedelta(days=days)).isoformat()
