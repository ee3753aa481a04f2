"""What an account's use came to, day by day: queries and vectors. A function of the use and the day.

Each day that is over is worked out once.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from gtm_platform.sandbox.chroma_admin.store import ChromaAccount

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DayOfUse:
    """A day on which somebody used the database."""

    queries: int
    writes: int
    vectors: int  # added


def use_on(account: ChromaAccount, day: date, before: datetime) -> DayOfUse | None:
    """What the logins of a day before an instant came to; None for none."""
    logins = sum(account.created <= login < before for login in account.use.logins(day))
    if not logins:
        return None
    digest = account.use.digest(day)
    writes = digest[14] % 40 * logins
    return DayOfUse((50 + 7 * digest[13]) * logins, writes, writes * (1 + digest[12]) * 3)


def sums(account: ChromaAccount, first: date, before: datetime) -> tuple[int, int]:
    """Queries and vectors added from a day on, before an instant."""
    today, began = before.date(), account.use.first_day
    _work_out(account, today - _DAY)
    start = max(0, (first - began).days)
    over = max(start, (today - began).days)
    present = use_on(account, today, before) if first <= today else None
    queries, vectors = sum(account.queries_a_day[start:over]), sum(account.vectors_a_day[start:over])
    return queries + (present.queries if present else 0), vectors + (present.vectors if present else 0)


def _work_out(account: ChromaAccount, last: date) -> None:
    """Sum up the days up to this one, which have to be over."""
    began = account.use.first_day
    for ahead in range(len(account.queries_a_day), (last - began).days + 1):
        day = began + timedelta(days=ahead)
        use = use_on(account, day, datetime.combine(day + _DAY, time(), UTC))
        account.queries_a_day.append(use.queries if use else 0)
        account.vectors_a_day.append(use.vectors if use else 0)


def total_vectors(account: ChromaAccount, now: datetime) -> int:
    """All vectors, those from before the records included."""
    return account.vectors + sums(account, account.use.first_day, now)[1]


def collections(vectors: int) -> int:
    """How many collections so many vectors lie in."""
    return 1 + min(19, vectors // 40_000)


def last_active(account: ChromaAccount, before: datetime) -> date | None:
    """The last day of use before an instant."""
    return account.use.latest_day(before)
