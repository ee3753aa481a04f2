"""Whose value stands where HubSpot has another than we wrote last: who changed it, and what the policy says.

HubSpot's history is read of these values only, as it comes for half as many objects a call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gtm_platform.delivery.hubspot.client import HubSpotObjects
from gtm_platform.delivery.hubspot.history import Author, author_of
from gtm_platform.delivery.hubspot.properties import Property
from gtm_platform.delivery.hubspot.rules import DeliveryRules
from gtm_platform.state.hubspot_journal import FieldState

WITH_HISTORY = 50  # objects that HubSpot takes in one call for history


@dataclass(frozen=True)
class ForeignValue:
    """A value in HubSpot that is not the one that we wrote last."""

    definition: Property
    before: str
    after: str
    state: FieldState
    author: Author | None

    @property
    def reason(self) -> str:
        """Say why it is left alone, and how it is handed over."""
        by = f" by {self.author}" if self.author else ""
        name, before = self.definition.name, self.definition.shown(self.before)
        if self.state.confirmed is None:
            standing = f"{name} held {before!r}{by} before we ever wrote it."
            return f"{standing} Clear it in HubSpot to hand it over."
        return (
            f"{name} was changed in HubSpot from our {self.state.confirmed!r} to {before!r}{by} and is "
            f"left alone. Set it back to {self.state.confirmed!r} to hand it over."
        )


def authors_of(foreign: Mapping[str, Sequence[str]], objects: HubSpotObjects) -> dict[tuple[str, str], Author]:
    """Read who set the newest value of some properties of each object, by object and property."""
    with_names = {object_id: names for object_id, names in foreign.items() if names}
    ids = list(with_names)
    authors: dict[tuple[str, str], Author] = {}
    for start in range(0, len(ids), WITH_HISTORY):
        some = ids[start : start + WITH_HISTORY]
        names = sorted({name for object_id in some for name in with_names[object_id]})
        for object_id, histories in objects.read_history(some, names).items():
            for name, history in histories.items():
                if author := author_of(history, objects.own_app):
                    authors[object_id, name] = author
    return authors


def calls_for(foreign: Mapping[str, Sequence[str]]) -> int:
    """Count the calls that reading these histories takes."""
    return -(-sum(1 for names in foreign.values() if names) // WITH_HISTORY)


def goes_over(foreign: ForeignValue, rules: DeliveryRules) -> bool:
    """Say whether our value is written over one that is not ours.

    What stood there before we ever wrote is nobody's damage: only a property that is `ours` is written over it.
    """
    winner = rules.conflicts.winner(foreign.definition.name)
    if winner == "ours":
        return True
    author, state = foreign.author, foreign.state
    if author and author.is_us:  # the journal is of before: it was put back from a backup
        return True
    if state.confirmed is None or author is None:
        return False
    if author.kind in rules.conflicts.healed:
        return True
    if winner != "newest" or author.at is None or foreign.definition.same(foreign.after, state.confirmed):
        return False
    return state.withheld.get(foreign.definition.shown(foreign.after), rules.day) > f"{author.at:%Y-%m-%d}"
