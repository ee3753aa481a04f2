"""A run delivered to HubSpot, or stopped as it would do too much: in counts, one message a run."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gtm_platform.delivery.alerts.alert import Alert, Facts, Occurrence

NEWS = ("written", "created", "rejected")  # a run with none of these had nothing to do


@dataclass(frozen=True)
class DeliveryNews:
    """What a run did with one type of objects; `reason` says why it stopped."""

    run_id: str
    object_type: str
    day: str
    is_stopped: bool
    counts: Mapping[str, int]
    reason: str


def detect(deliveries: Iterable[DeliveryNews]) -> Iterator[Occurrence]:
    """Yield those of the runs that stopped, or that wrote something or had it refused."""
    listed = list(deliveries)
    telling = {each.run_id for each in listed if each.is_stopped or any(each.counts.get(name) for name in NEWS)}
    for each in listed:
        if each.run_id in telling:
            facts = {
                "run_id": each.run_id,
                "object_type": each.object_type,
                "day": each.day,
                "is_stopped": each.is_stopped,
                "counts": dict(each.counts),
                "reason": each.reason,
            }
            yield Occurrence(each.run_id, each.object_type, facts)


def _title(facts: Facts) -> str:
    return f"HubSpot {'stopped' if facts['is_stopped'] else 'delivered'}: {facts['object_type']}, {facts['day']}"


def _why(facts: Facts) -> str:
    if facts["is_stopped"]:
        return str(facts["reason"])
    counts = facts["counts"]
    created = f" ({counts['created']:,} of them new)" if counts.get("created") else ""
    return (
        f"{facts['object_type']}: {counts['unchanged']:,} unchanged, {counts['written']:,} written{created}, "
        f"{counts['held']:,} held back, {counts['rejected']:,} rejected"
    )


def _advice(facts: Facts) -> str:
    if facts["is_stopped"]:
        return f'Approve it if it is right: gtm hubspot approve {facts["run_id"][:8]} --reason "WHY"'
    if facts["counts"].get("rejected"):
        return "gtm hubspot rejected lists what HubSpot refuses, in its own words."
    return ""


ALERT = Alert(
    kind="hubspot_delivery",
    subject="run",
    detect=detect,
    title=_title,
    why=_why,
    advice=_advice,
    severity=lambda facts: "warning" if facts["is_stopped"] else "info",
    route="ops",
    group=lambda facts: str(facts["run_id"]),
    page=lambda facts: f"/runs/{facts['run_id']}",
)
