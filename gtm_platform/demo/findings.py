"""A claim of the demo, and what is wrong about it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A claim about the lake or a destination, with a sentence for each case where it is wrong."""

    claim: str
    wrong: Sequence[str] = ()  # sentences; none: the claim is true
