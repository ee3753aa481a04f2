"""A sensor or a schedule fails instead of doing its work, or works again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from gtm_platform.delivery.alerts.alert import Alert, Facts, Occurrence


@dataclass(frozen=True)
class AutomationTurn:
    """A sensor or schedule that began to fail, or works again, with the error of its tick."""

    name: str
    kind: Literal["sensor", "schedule"]
    location: str
    is_failing: bool
    why: str
    tick: str  # when it ticked


def detect(turns: Iterable[AutomationTurn]) -> Iterator[Occurrence]:
    """Yield each of them."""
    for turn in turns:
        facts = {
            "name": turn.name,
            "kind": turn.kind,
            "location": turn.location,
            "is_failing": turn.is_failing,
            "why": turn.why,
            "tick": turn.tick,
        }
        yield Occurrence(turn.name, f"{turn.tick}:{'failing' if turn.is_failing else 'works'}", facts)


def _title(facts: Facts) -> str:
    return f"{facts['kind'].capitalize()} {'fails' if facts['is_failing'] else 'works again'}: {facts['name']}"


def _why(facts: Facts) -> str:
    if not facts["is_failing"]:
        return f"Its tick of {facts['tick']} succeeded."
    return f"Its tick of {facts['tick']} failed: {facts['why'] or 'no reason was recorded.'}"


def _advice(facts: Facts) -> str:
    return "Until it is mended it starts no run." if facts["is_failing"] else ""


ALERT = Alert(
    kind="sensor_failing",
    subject="platform",
    detect=detect,
    title=_title,
    why=_why,
    advice=_advice,
    severity=lambda facts: "critical" if facts["is_failing"] else "info",
    route="ops",
    page=lambda facts: f"/locations/{facts['location']}/{facts['kind']}s/{facts['name']}",
)
