"""What one person does in the product: logins day by day, as a function of who they are and of the day.

What the systems make of it (events, counters, last sights) belongs to them; whether somebody uses the product at all on
a day is decided by `sessions`. Nothing is stored but what the days that are over came to.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b

from gtm_platform.sandbox.world.agenda import DAY
from gtm_platform.sandbox.world.sessions import Usage

HISTORY = timedelta(days=90)  # how far the systems that record use go back before the start
TASKS = 5  # of the onboarding checklist


class ProductUse:
    """The logins of a person since they signed up; the sight that Intercom has of a day is one of them.

    Records of use begin with `first_day`; an earlier login left no trace but in counters.
    """

    __slots__ = ("_counts", "_key", "_usage", "first_day", "signed_up")

    def __init__(self, key: str, usage: Usage, signed_up: datetime, recorded_from: date) -> None:
        self._key = key
        self._usage = usage
        self.signed_up = signed_up
        self.first_day = max(recorded_from, signed_up.date())
        self._counts = bytearray()

    def digest(self, day: date) -> bytes:
        """Bytes that belong to the person and the day for ever."""
        return blake2b(f"{self._key}:use:{day.toordinal()}".encode(), digest_size=24).digest()

    def logins(self, day: date) -> list[datetime]:
        """The logins of a day in their order. Signing up is the first one."""
        if day < self.first_day:
            return []
        instants = {self.signed_up} if day == self.signed_up.date() else set()
        sight = self._usage.sight(day)
        if sight:
            digest, midnight = self.digest(day), datetime.combine(day, time(), UTC)
            seconds = (int.from_bytes(digest[3 * n : 3 * n + 3], "big") % 86400 for n in range(digest[23] % 3))
            instants.update((sight.replace(microsecond=0), *(midnight + timedelta(seconds=each) for each in seconds)))
        return sorted(each for each in instants if each >= self.signed_up)

    def count(self, first: date, last: date, before: datetime) -> int:
        """Logins from one day to another, both included, as far as they lie before an instant."""
        first, present = max(first, self.first_day), before.date()
        over = min(last, present - DAY)
        self._remember(over)
        low, high = (first - self.first_day).days, (over - self.first_day).days
        total = sum(self._counts[low : high + 1]) if high >= low else 0
        if first <= present <= last:
            total += sum(login < before for login in self.logins(present))
        return total

    def days(self, first: date, last: date, before: datetime) -> Iterator[date]:
        """The days from one to another, both included, with a login before an instant."""
        first, present = max(first, self.first_day), before.date()
        over = min(last, present - DAY)
        self._remember(over)
        for ahead in range((first - self.first_day).days, (over - self.first_day).days + 1):
            if self._counts[ahead]:
                yield self.first_day + timedelta(days=ahead)
        if first <= present <= last and any(login < before for login in self.logins(present)):
            yield present

    def _remember(self, last: date) -> None:
        """Count the days that are over; habits never change for a day that has begun."""
        for ahead in range(len(self._counts), (last - self.first_day).days + 1):
            self._counts.append(len(self.logins(self.first_day + timedelta(days=ahead))))

    def latest_day(self, before: datetime) -> date | None:
        """The last day with a login before an instant, among the days that are recorded."""
        day = before.date()
        if any(login < before for login in self.logins(day)):
            return day
        self._remember(day - DAY)
        for ahead in range((day - self.first_day).days - 1, -1, -1):
            if self._counts[ahead]:
                return self.first_day + timedelta(days=ahead)
        return None

    def latest(self, before: datetime) -> datetime:
        """The last login before an instant; signing up, where no later one is recorded."""
        day = self.latest_day(before)
        return max(login for login in self.logins(day) if login < before) if day else self.signed_up


@dataclass(slots=True)
class Product:
    """One user of the product, and which systems saw what of the use."""

    user_id: str  # the product's own
    use: ProductUse
    tasks: Sequence[datetime] = ()  # when each task of the onboarding was done
    reset: datetime | None = None  # when somebody reset the progress
    in_posthog: bool = False
    in_userflow: bool = False

    def progress(self, before: datetime) -> int:
        """How many tasks of the onboarding are done, since its progress was last reset."""
        reset = self.reset if self.reset and self.reset < before else self.use.signed_up
        return sum(reset <= done < before for done in self.tasks)
