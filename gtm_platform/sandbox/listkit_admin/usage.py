"""What an account's use came to, day by day: exports and the credits that they cost. A function of use and day.

Each day that is over is worked out once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from gtm_platform.sandbox.kit.timeline import as_of
from gtm_platform.sandbox.listkit_admin.store import ListKitAccount

GRANTS = {"free": 200, "trial": 1000, "starter": 1000, "pro": 5000, "scale": 10000, "enterprise": 50000}
_PERIOD = timedelta(days=30)
_DAY = timedelta(days=1)
_LISTS = ("CFOs in Texas", "Founders in Berlin", "Heads of data", "RevOps leads", "Marketing in London")


@dataclass(frozen=True, slots=True)
class Export:
    """A list that was exported.

    It runs for a while and then is completed, or has failed, or was canceled.
    """

    export_id: str
    created: datetime
    finished: datetime
    outcome: str  # completed | failed | canceled
    rows: int
    list_name: str

    @property
    def credits(self) -> int:
        """What it costs: nothing, if it came to nothing."""
        return self.rows if self.outcome == "completed" else 0

    def status(self, now: datetime) -> str:
        """Where it stands at an instant."""
        return self.outcome if self.finished <= now else "running"


def sums(account: ListKitAccount, first: date, before: datetime) -> tuple[int, int]:
    """Completed exports and credits from a day on, before an instant."""
    today, began = before.date(), account.use.first_day
    _work_out(account, today - _DAY)
    start = max(0, (first - began).days)
    over = max(start, (today - began).days)
    exports, credits = sum(account.exports_a_day[start:over]), sum(account.credits_a_day[start:over])
    if first <= today:
        done = [each for each in exports_on(account, today) if each.credits and each.finished < before]
        exports, credits = exports + len(done), credits + sum(each.credits for each in done)
    return exports, credits


def _work_out(account: ListKitAccount, last: date) -> None:
    """Sum up the days up to this one, which have to be over."""
    began = account.use.first_day
    for ahead in range(len(account.exports_a_day), (last - began).days + 1):
        done = [each for each in exports_on(account, began + timedelta(days=ahead)) if each.credits]
        account.exports_a_day.append(len(done))
        account.credits_a_day.append(sum(each.credits for each in done))


def export_days(account: ListKitAccount, first: date, last: date, now: datetime) -> Iterator[date]:
    """The days from one to another, both included, on which there may be exports by now."""
    today = now.date()
    yield from account.use.days(first, min(last, today - _DAY), now)
    if first <= today <= last:
        yield today


def exports_on(account: ListKitAccount, day: date) -> list[Export]:
    """The exports of a day, each within the hour after a login and within the day."""
    logins = account.use.logins(day)
    if not logins or logins[-1] < account.created:
        return []
    digest, exports = account.use.digest(day), []
    end = datetime.combine(day, time(23, 59, 50), UTC)
    granted = GRANTS[as_of(account.tiers, datetime.combine(day, time(), UTC)) or "free"]
    for place in range((0, 0, 1, 1, 1, 2)[digest[21] % 6]):
        login = logins[place % len(logins)]
        created = min(login + timedelta(seconds=60 + 9 * digest[15 + place]), end - timedelta(minutes=5))
        if created < account.created:
            continue
        roll = digest[18 + place]
        outcome = "failed" if roll < 12 else "canceled" if roll < 15 else "completed"
        exports.append(
            Export(
                export_id=f"exp_{account.account_id[4:]}_{day:%Y%m%d}_{place + 1}",
                created=created,
                finished=created + timedelta(seconds=20 + digest[16 + place]),
                outcome=outcome,
                rows=5 + int(granted * digest[17 + place] / 2400),
                list_name=_LISTS[roll % len(_LISTS)],
            )
        )
    return sorted(exports, key=lambda each: (each.created, each.export_id))


def period(account: ListKitAccount, now: datetime) -> tuple[datetime, datetime]:
    """The running period of credits: thirty days from noon to noon, counted from the account's first day."""
    first = datetime.combine(account.created.date(), time(), UTC) - _DAY / 2
    start = first + (now - first) // _PERIOD * _PERIOD
    return start, start + _PERIOD


def granted(account: ListKitAccount, start: datetime) -> int:
    """The credits of a period, by the plan at its beginning."""
    return GRANTS[as_of(account.tiers, max(start, account.created) + timedelta(seconds=1)) or "free"]


def balance(account: ListKitAccount, now: datetime) -> int:
    """Credits left: those of the period less what was used in it.

    What is left over expires with the period.
    """
    return granted(account, period(account, now)[0]) - used(account, now)


def used(account: ListKitAccount, before: datetime) -> int:
    """Credits used in the running period."""
    start, _ = period(account, before)
    first = start.date()
    earlier = (each for each in exports_on(account, first) if each.finished < min(start, before))
    return sums(account, first, before)[1] - sum(each.credits for each in earlier)


def window(now: datetime, days: int) -> date:
    """The first of the last so many days, of which the present one is the last."""
    return now.date() - timedelta(days=days - 1)


def last_active(account: ListKitAccount, before: datetime) -> datetime | None:
    """The latest login or finished export before an instant."""
    day = account.use.latest_day(before)
    if day is None:
        return None
    instants = [login for login in account.use.logins(day) if login < before]
    instants += [each.finished for each in exports_on(account, day) if each.finished < before]
    return max(instants)


def days_of_use(account: ListKitAccount, now: datetime) -> Iterator[date]:
    """The days on which there is something to show, up to now."""
    day = account.use.first_day
    while day <= now.date():
        if any(login <= now for login in account.use.logins(day)):
            yield day
        day += _DAY
