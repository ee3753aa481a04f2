"""Webhooks to a subscriber are tried no more, or the subscription was switched off: one message for each subscriber."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from gtm_platform.delivery.alerts.alert import Alert, Facts, Occurrence


@dataclass(frozen=True)
class LostWebhooks:
    """What a receiver did not take: how many messages died since the last look, and why the last one did."""

    subscription_id: str
    receiver: str
    dead: int
    is_off: bool
    why: str
    at: str


def detect(lost: Iterable[LostWebhooks]) -> Iterator[Occurrence]:
    """Yield each of them."""
    for each in lost:
        yield Occurrence(each.subscription_id, each.at, asdict(each))


def _title(facts: Facts) -> str:
    what = "Trigger switched off" if facts["is_off"] else "Webhooks given up"
    return f"{what}: {facts['receiver']} ({facts['subscription_id']})"


def _why(facts: Facts) -> str:
    count = f"{facts['dead']:,} message{'' if facts['dead'] == 1 else 's'}"
    return f"{count} not delivered, and kept. {facts['why']}" if facts["dead"] else str(facts["why"])


def _advice(facts: Facts) -> str:
    id = facts["subscription_id"]
    if facts["is_off"]:
        return (
            f"Once the receiver is well: gtm trigger resume {id} sends what it missed. gtm trigger remove {id} ends it."
        )
    return f"gtm trigger deliveries {id} --status dead lists them; gtm trigger replay {id} sends them again."


ALERT = Alert(
    kind="webhooks_lost",
    subject="platform",
    detect=detect,
    title=_title,
    why=_why,
    advice=_advice,
    severity="warning",
    route="ops",
    page=lambda _: "/assets/delivery/webhooks",
)
