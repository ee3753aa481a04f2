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


def last_full_refresh(table: str, day: date) -> date:
    """Return the day until which a table was last read whole; the day itself, where it never was."""
    whole = [file.partition[:10] for file in the_lake().files(table) if file.full]
    return date.fromisoformat(max((each for each in whole if each <= day.isoformat()), default=day.isoformat()))


def days_since_full_refresh(table: str, last: date) -> list[date]:
    """Return the days up to the last one: what a source deleted on them is not missed yet."""
    first = last_full_refresh(table, last)
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
