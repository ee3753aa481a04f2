"""A webhook that used to come does not, or all that comes is refused; or it is well again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gtm_platform.delivery.alerts.alert import Alert, Facts, Occurrence


@dataclass(frozen=True)
class HookTurn:
    """A webhook with which something is wrong, or no longer is; `about` is its state as a sentence."""

    hook: str
    title: str
    source: str
    trouble: str  # refused, silent, or "" once it is well again
    about: str
    at: str


def detect(turns: Iterable[HookTurn]) -> Iterator[Occurrence]:
    """Yield each of them."""
    for turn in turns:
        facts = {name: getattr(turn, name) for name in HookTurn.__dataclass_fields__}
        yield Occurrence(turn.source, f"{turn.hook}:{turn.trouble or 'well'}:{turn.at}", facts | _recovered(turn))


def _recovered(turn: HookTurn) -> dict[str, bool]:
    return {} if turn.trouble else {"recovered": True}


def _title(facts: Facts) -> str:
    titles = {"refused": "Webhooks refused", "silent": "Webhooks have stopped"}
    return f"{titles.get(facts['trouble'], 'Webhooks come again')}: {facts['title']}"


def _advice(facts: Facts) -> str:
    if facts["trouble"] == "refused":
        return (
            "See that the secret here is the one that the system signs with, and that no proxy changes bodies or "
            "headers: `gtm hooks`. The source is read by its schedule meanwhile."
        )
    return (
        "See in the system whether the webhook is still registered and not paused or disabled: `gtm hooks`. The source "
        "is read by its schedule meanwhile; what only sends is lost until it sends again."
    )


ALERT = Alert(
    kind="hook_trouble",
    subject="source",
    detect=detect,
    title=_title,
    why=lambda facts: str(facts["about"]),
    advice=_advice,
    severity="warning",
    route="ops",
    page=lambda facts: f"/assets/{facts['source']}",
)
