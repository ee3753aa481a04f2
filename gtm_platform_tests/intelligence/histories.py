"""Random histories of subscriptions, and what each definition of MRR makes of them, with no code of the platform."""

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

DAYS = [date(2026, month, day) for month, day in ((1, 30), (1, 31), (2, 1), (2, 14), (2, 28), (3, 9), (4, 1), (4, 2))]
RATES = [
    {"usd": Decimal(1), "eur": Decimal("1.09"), "jpy": Decimal("0.0067")},
    {"usd": Decimal(1), "eur": Decimal("1.1537"), "jpy": Decimal("0.0071")},
]
CHANGED = date(2026, 2, 20)  # when the second rates came
UNITS = {"usd": Decimal("0.01"), "eur": Decimal("0.01"), "jpy": Decimal(1)}
AMOUNTS = (0, 1, 999, 4900, 4900, 12345)
STATUSES = ("active", "active", "active", "past_due", "trialing", "unpaid", "canceled")
PAUSES = (None, None, None, None, "void", "keep_as_draft")
GAINS, LOSSES = ("new", "reactivation", "expansion"), ("contraction", "churn")
Row = dict[str, Any]


def rates_on(day: date) -> dict[str, Decimal]:
    return RATES[day >= CHANGED]


@dataclass
class History:
    """What some customers subscribe to on each day, and since when they pay."""

    subscriptions: dict[date, list[Row]] = field(default_factory=dict)
    paid_at: dict[str, datetime] = field(default_factory=dict)

    @classmethod
    def random(cls, seed: int, customers: int) -> "History":
        dice, history = random.Random(seed), cls()
        names = [f"c{number}" for number in range(customers)]
        history.paid_at = {
            name: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=dice.randrange(80))
            for name in names
            if dice.random() < 0.4
        }
        slots = [(name, number, dice.choice([*UNITS])) for name in names for number in range(dice.choice((1, 1, 2, 3)))]
        for day in DAYS:
            history.subscriptions[day] = [_subscription(dice, *slot, day) for slot in slots if dice.random() < 0.85]
        return history


def _subscription(dice: random.Random, name: str, number: int, currency: str, day: date) -> Row:
    listed = dice.choice(AMOUNTS)
    forever = listed - dice.choice((0, 0, 0, listed // 3))
    recurring = forever - dice.choice((0, 0, forever // 4))
    unit = UNITS[currency]
    return {
        "subscription_id": f"{name}_{number}",
        "customer_id": name,
        "is_leading": True,
        "currency": currency,
        "status": dice.choice(STATUSES),
        "pause": dice.choice(PAUSES),
        "mrr_forever_only": forever * unit,
        "mrr_recurring": recurring * unit,
        "mrr_all": (recurring - dice.choice((0, recurring // 5))) * unit,
        "current_period_end": datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=dice.randint(-9, 9)),
    }


def counts(row: Row, name: str, day: date) -> int:
    """What a subscription counts for by a definition, in minor units of its currency."""
    paused = row["pause"] == "void" and name != "stripe"
    runs = row["status"] in ("active", "past_due") and not paused
    if name == "service" and row["status"] == "canceled":
        runs = row["current_period_end"] >= datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    discounts = {"ours": "recurring", "stripe": "forever_only", "chartmogul": "all", "service": "recurring"}
    return int(row[f"mrr_{discounts[name]}"] / UNITS[row["currency"]]) if runs else 0


def cents(minor: int, currency: str, day: date) -> int:
    exact = minor * UNITS[currency] * rates_on(day)[currency] * 100
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@dataclass
class Ledger:
    """The movements by a definition, kept by hand from day to day."""

    name: str
    opened: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)  # minor units, and cents
    closed: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    ever: set[str] = field(default_factory=set)
    month: tuple[int, int] | None = None

    def go_on(self, history: History, day: date) -> dict[str, Row]:
        """Return what moved of each customer in the month up to the day."""
        now: dict[tuple[str, str], int] = {}
        for row in history.subscriptions[day]:
            key = row["customer_id"], row["currency"]
            now[key] = now.get(key, 0) + counts(row, self.name, day)
        is_first, month = self.month is None, (day.year, day.month)
        if self.month != month:
            self.ever |= {customer for (customer, _), (minor, _) in self.closed.items() if minor > 0}
            self.opened = dict(self.closed)
        if is_first:
            self.opened = {key: (minor, cents(minor, key[1], day)) for key, minor in now.items()}
        self.month = month
        keys = self.opened.keys() | now.keys() | self.closed.keys()
        moved: dict[str, Row] = {}
        self.closed = {key: (now.get(key, 0), self._close(key, now.get(key, 0), day)) for key in keys}
        for customer, currency in keys:
            minor, opening = self.opened.get((customer, currency), (0, 0))
            fx = 0 if self.name == "chartmogul" else cents(minor, currency, day) - opening
            row = moved.setdefault(customer, {"opening": 0, "fx": 0, "closing": 0})
            row["opening"] += opening
            row["fx"] += fx
            row["closing"] += self.closed[customer, currency][1]
        for customer, row in moved.items():
            row |= self._kinds(customer, row, history, day)
        return moved

    def _close(self, key: tuple[str, str], minor: int, day: date) -> int:
        if self.name != "chartmogul":
            return cents(minor, key[1], day)
        before, opening = self.opened.get(key, (0, 0))
        if minor >= before:
            return opening + cents(minor - before, key[1], day)
        return int((Decimal(opening * minor) / before).quantize(Decimal(1), ROUND_HALF_UP))

    def _kinds(self, customer: str, row: Row, history: History, day: date) -> Row:
        before, after = row["opening"] + row["fx"], row["closing"]
        paid = history.paid_at.get(customer)
        had = customer in self.ever or (paid is not None and paid.date() < day.replace(day=1))
        kinds = dict.fromkeys((*GAINS, *LOSSES), 0)
        if before == 0 and after > 0:
            kinds["reactivation" if had else "new"] = after
        elif before > 0 and after == 0:
            kinds["churn"] = before
        elif after > before:
            kinds["expansion"] = after - before
        elif after < before:
            kinds["contraction"] = before - after
        return kinds
