"""Series of MRR and what follows from it, in the account's currency, one entry per period.

The last day of a period dates its entry; the running period is dated today.
"""

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import Any

from gtm_platform.sandbox.chartmogul import mirror
from gtm_platform.sandbox.chartmogul.access import invalid
from gtm_platform.sandbox.chartmogul.store import ChartMogulCustomer, ChartMogulStore

INTERVALS = ("day", "week", "month", "quarter", "year")
_MOVEMENTS = {
    "new_biz": "mrr-new-business",
    "expansion": "mrr-expansion",
    "contraction": "mrr-contraction",
    "churn": "mrr-churn",
    "reactivation": "mrr-reactivation",
}


@dataclass(frozen=True)
class Figures:
    """What a period came to."""

    date: date
    mrr: int
    customers: int
    moved: Mapping[str, int]
    churned: int  # customers
    before: int  # customers at the beginning
    mrr_before: int

    def series(self) -> dict[str, int | float]:
        """All series of the period."""
        arpa = round(self.mrr / self.customers) if self.customers else 0
        rate = 100 * self.churned / self.before if self.before else 0.0
        lost = -(self.moved["churn"] + self.moved["contraction"] + self.moved["expansion"] + self.moved["reactivation"])
        return {
            "mrr": self.mrr,
            "arr": 12 * self.mrr,
            "arpa": arpa,
            "asp": arpa,
            "customers": self.customers,
            "customer-churn-rate": round(rate, 2),
            "mrr-churn-rate": round(100 * lost / self.mrr_before, 2) if self.mrr_before else 0.0,
            "ltv": round(100 * arpa / rate, 2) if rate else 0.0,
        }


def periods(sent: Mapping[str, str], today: date) -> list[tuple[date, date]]:
    """First and last day of each period that the parameters ask for, as far as it has begun."""
    first, last = _day(sent, "start-date"), _day(sent, "end-date")
    interval = sent.get("interval", "month")
    if interval not in INTERVALS:
        raise invalid("interval", f"{interval} is not one of {', '.join(INTERVALS)}")
    last, spans, start = min(last, today), list[tuple[date, date]](), first
    while start <= last:
        end = _end(start, interval)
        spans.append((start, min(end, last)))
        start = end + timedelta(days=1)
    return spans


def _day(sent: Mapping[str, str], name: str) -> date:
    if name not in sent:
        raise invalid(name, "is missing")
    try:
        return date.fromisoformat(sent[name])
    except ValueError as error:
        raise invalid(name, "is not a date") from error


def _end(day: date, interval: str) -> date:
    if interval == "day":
        return day
    if interval == "week":
        return day + timedelta(days=6 - day.weekday())
    month = {"month": day.month, "quarter": (day.month - 1) // 3 * 3 + 3, "year": 12}[interval]
    return day.replace(month=month, day=monthrange(day.year, month)[1])


@dataclass(frozen=True, slots=True)
class Change:
    """A movement of a customer's MRR, in US cents."""

    day: date
    kind: str
    before: int
    after: int


def changes(store: ChartMogulStore, now: datetime) -> list[Change]:
    """The movements of all customers, as they are shown by now."""
    return [change for customer in store.customers.values() for change in _changes(customer, now)]


def _changes(customer: ChartMogulCustomer, now: datetime) -> Iterator[Change]:
    before, currency = 0, mirror.shown_currency(customer)
    for movement in mirror.movements(customer, now):
        after = mirror.in_account_currency(movement.mrr, currency)
        yield Change(movement.at.date(), movement.kind, before, after)
        before = after


def figures(moves: Iterable[Change], spans: list[tuple[date, date]], today: date) -> list[Figures]:
    """What each period came to, from the movements of all customers."""
    moved = [dict.fromkeys(_MOVEMENTS, 0) for _ in spans]
    churned = [0] * len(spans)
    mrr, customers = [0] * (len(spans) + 1), [0] * (len(spans) + 1)  # changes, the first of them before all periods
    starts, last = [start for start, _ in spans], spans[-1][1] if spans else today
    for each in moves:
        if each.day > last:
            continue
        place = bisect_right(starts, each.day) - 1  # -1: before the first period
        mrr[place + 1] += each.after - each.before
        customers[place + 1] += bool(each.after) - bool(each.before)
        if place >= 0:
            moved[place][each.kind] += each.after - each.before
            churned[place] += each.kind == "churn"
    totals, counts = list(accumulate(mrr)), list(accumulate(customers))
    return [
        Figures(end, totals[n + 1], counts[n + 1], moved[n], churned[n], counts[n], totals[n])
        for n, (_, end) in enumerate(spans)
    ]


def answer(shown: list[Figures], names: tuple[str, ...]) -> dict[str, Any]:
    """One series with its change, or all of them.

    An answer holds entries and a summary, and nothing else.
    """
    series = [each.series() for each in shown]
    entries = []
    for place, each in enumerate(shown):
        entry: dict[str, Any] = {"date": each.date.isoformat()}
        for name in names:
            change = _change(series[place - 1][name] if place else 0, series[place][name])
            entry[name] = series[place][name]
            entry["percentage-change" if len(names) == 1 else f"{name}-percentage-change"] = change
        if names == ("mrr",):
            entry.update({_MOVEMENTS[kind]: amount for kind, amount in each.moved.items()})
        entries.append(entry)
    return {"entries": entries, "summary": _summary(series, names)}


def _summary(series: list[dict[str, int | float]], names: tuple[str, ...]) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    for name in names:
        current = series[-1][name] if series else 0
        previous = series[-2][name] if len(series) > 1 else 0
        suffix, prefix = ("", "") if len(names) == 1 else (f"-{name}", f"{name}-")
        summary[f"current{suffix}"], summary[f"previous{suffix}"] = current, previous
        summary[f"{prefix}percentage-change"] = _change(previous, current)
    return summary


def _change(before: float, after: float) -> float:
    return round(100 * (after - before) / before, 2) if before else 0.0
