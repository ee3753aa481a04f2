"""A schedule that runs did not tick when it was due, or ticks again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gtm_platform.delivery.alerts.alert import Alert, Facts, Occurrence


@dataclass(frozen=True)
class ScheduleTurn:
    """A schedule that missed its time, or has ticked since."""

    name: str
    location: str
    is_late: bool
    due: str  # the tick that was missed


def detect(turns: Iterable[ScheduleTurn]) -> Iterator[Occurrence]:
    """Yield each of them."""
    for turn in turns:
        facts = {"name": turn.name, "location": turn.location, "is_late": turn.is_late, "due": turn.due}
        yield Occurrence(turn.name, f"{turn.due}:{'late' if turn.is_late else 'ticked'}", facts)


def _why(facts: Facts) -> str:
    if facts["is_late"]:
        return f"It was due at {facts['due']} and did not tick."
    return f"It has ticked since {facts['due']}, which it had missed."


def _advice(facts: Facts) -> str:
    return "See in Dagster, under Deployment, whether the scheduler daemon is alive." if facts["is_late"] else ""


ALERT = Alert(
    kind="late_schedule",
    subject="platform",
    detect=detect,
    title=lambda facts: f"{'Schedule is late' if facts['is_late'] else 'Schedule ticks again'}: {facts['name']}",
    why=_why,
    advice=_advice,
    severity=lambda facts: "critical" if facts["is_late"] else "info",
    route="ops",
    page=lambda facts: f"/locations/{facts['location']}/schedules/{facts['name']}",
)
