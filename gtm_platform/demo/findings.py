"""A claim of the demo, what is wrong about it, and the days of which the lake can still show what is gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from gtm_platform.lake.dagster.resource import the_lake


@dataclass(frozen=True)
class Finding:
    """A claim about the lake or a destination, with a sentence for each case where it is wrong."""

    claim: str
    wrong: Sequence[str] = ()  # sentences; none: the claim is true


def days_since_full_refresh(table: str, last: date) -> list[date]:
    """Return the days up to the last one: what a source deleted on them is not missed yet."""
    full = the_lake().last_full(table)
    first = date.fromisoformat(full.partition[:10]) if full else last
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
