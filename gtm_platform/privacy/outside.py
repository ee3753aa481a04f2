"""What a destination does to delete a person for good: its package has a module `erase` with an ERASER."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gtm_platform.ingest.discovery import discover
from gtm_platform.state import State

DESTINATIONS = "gtm_platform.delivery"


@dataclass(frozen=True)
class Eraser:
    """A destination that can delete a person.

    `ids` are the records of the person there; `erase` deletes them, journaled, and returns how many it did.
    """

    name: str  # in the policy, and of its package
    table: str  # whose ids are those of records in the destination
    refusal: Callable[[], str | None]  # why it cannot be done now; None where it can
    erase: Callable[[State, Sequence[str], str], int]  # ids, and the erasure's own


def erasers() -> dict[str, Eraser]:
    """Return the destinations that can delete a person, by their names."""
    return discover(DESTINATIONS, "erase", "ERASER")
