"""An asset was not made within the time that its freshness policy allows, or is fresh again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gtm_platform.delivery.alerts.alert import Alert, Facts, Occurrence


@dataclass(frozen=True)
class FreshnessTurn:
    """An asset that went stale, or came out of it; `allowed` is the time that its policy gives it."""

    asset: str
    is_stale: bool
    allowed: str
    change_id: str


def detect(turns: Iterable[FreshnessTurn]) -> Iterator[Occurrence]:
    """Yield each of them."""
    for turn in turns:
        facts = {"asset": turn.asset, "is_stale": turn.is_stale, "allowed": turn.allowed}
        yield Occurrence(turn.asset, turn.change_id, facts)


def _why(facts: Facts) -> str:
    if not facts["is_stale"]:
        return f"{facts['asset']} was made."
    allowed = f" for more than {facts['allowed']}" if facts["allowed"] else " in time"
    return f"{facts['asset']} was not made{allowed}."


def _advice(facts: Facts) -> str:
    if not facts["is_stale"]:
        return ""
    return "See whether its schedule ticks and its last runs succeed; what reads it works with old data meanwhile."


ALERT = Alert(
    kind="stale_asset",
    subject="asset",
    detect=detect,
    title=lambda facts: f"{'Stale' if facts['is_stale'] else 'Fresh again'}: {facts['asset']}",
    why=_why,
    advice=_advice,
    severity=lambda facts: "warning" if facts["is_stale"] else "info",
    route="ops",
    group=lambda facts: "stale" if facts["is_stale"] else "fresh",
    page=lambda facts: f"/assets/{facts['asset']}",
)
