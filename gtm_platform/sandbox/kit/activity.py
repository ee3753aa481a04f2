"""Use of a product as the emulators of what records it see it; who uses it, and when, is the world's affair."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Protocol


class Activity(Protocol):
    """The logins of one user, day by day. Records of use begin with `first_day`."""

    signed_up: datetime
    first_day: date

    def digest(self, day: date) -> bytes:
        """Bytes that belong to the user and the day for ever, for what else a day brings."""

    def logins(self, day: date) -> list[datetime]:
        """The logins of a day in their order; those of a day that has begun never change."""

    def count(self, first: date, last: date, before: datetime) -> int:
        """Logins from one day to another, both included, as far as they lie before an instant."""

    def days(self, first: date, last: date, before: datetime) -> Iterator[date]:
        """The recorded days from one to another, both included, with a login before an instant."""

    def latest_day(self, before: datetime) -> date | None:
        """The last recorded day with a login before an instant."""

    def latest(self, before: datetime) -> datetime:
        """The last login before an instant; signing up, where no later one is recorded."""
