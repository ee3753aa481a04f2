"""What of a snapshot somebody may see, and whose personal data an answer has handed out."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import orjson

from gtm_platform.serving.snapshot.layout import SHOWN


@dataclass(frozen=True)
class Sight:
    """Whether names and addresses are seen, and of whose customers anything is: without managers of all."""

    personal: bool = True
    managers: tuple[str, ...] | None = None


EVERYTHING = Sight()
# What stands for the personal columns of a row where they may not be seen: each without a value.
HIDDEN = orjson.dumps({name: None for name, column in SHOWN.items() if column.personal})
_PEOPLE: ContextVar[dict[str, None] | None] = ContextVar("people", default=None)


@contextmanager
def noting_people() -> Iterator[dict[str, None]]:
    """Yield the ids of customers whose personal data is handed out until the block ends, each once."""
    people: dict[str, None] = {}
    reset = _PEOPLE.set(people)
    try:
        yield people
    finally:
        _PEOPLE.reset(reset)


def hand_out(customer_ids: Iterable[str]) -> None:
    """Note whose personal data goes to whoever asks; nothing is noted where nobody listens."""
    people = _PEOPLE.get()
    if people is not None:
        people.update(dict.fromkeys(customer_ids))
