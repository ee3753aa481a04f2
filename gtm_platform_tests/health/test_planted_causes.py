"""A single planted cause gets all of a change, whichever it is: from the records of two systems to the parts of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from gtm_platform.health import customer_health, published_scores, rules, score_changes
from gtm_platform.health.recomputation import under, upstream
from gtm_platform.health.score_change_columns import CAUSES, CUSTOMER
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Policy, policy
from gtm_platform_tests.health.days import Days
from gtm_platform_tests.health.test_policy_check import changed
from gtm_platform_tests.tables import DAY, filled

pytestmark = pytest.mark.soak

BEFORE = DAY - timedelta(days=1)
HEALTH = (rules.TABLE, customer_health.TABLE, published_scores.TABLE, score_changes.TABLE)
MODES = ("forever_only", "recurring", "all")
LONG_AGO, LONG_UNSEEN = datetime(2022, 1, 1, tzinfo=UTC), datetime(2026, 8, 1, tzinfo=UTC)
Record = dict[str, Any]
Part = tuple[str, str, str]


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def payer(name: str) -> tuple[Record, Record]:
    """A customer of years at Stripe, whose tenure counts in full; and its subscription."""
    amounts = {f"{figure}_{mode}": of for mode in MODES for figure, of in (("mrr", 4900), ("arr", 58800))}
    subscription = {
        "id": f"sub_{name}", "customer_id": f"cus_{name}", "status": "active", "currency": "usd",
        "created_at": LONG_AGO, "started_at": LONG_AGO, "phases": [{"begins": None, "ends": None, **amounts}],
    }  # fmt: skip
    customer = {"id": f"cus_{name}", "email": f"{name}@acme.com", "currency": "usd", "created_at": LONG_AGO}
    return customer, subscription


def failed_charge(at: datetime) -> Record:
    return {
        "id": "ch_1", "customer_id": "cus_amy", "status": "failed", "currency": "usd", "created_at": at,
        "changed_at": at,
    }  # fmt: skip


def contact(**fields: Any) -> Record:
    """Somebody in Intercom who was not seen for months: a day more changes nothing."""
    return {"id": "ct_1", "role": "user", "created_at": LONG_UNSEEN, "last_seen_at": LONG_UNSEEN, **fields}


@dataclass(frozen=True)
class Systems:
    """A lake that Stripe and Intercom are read into, and what is made of it day by day."""

    lake: Lake

    def read(self, day: date, table: str, *records: Record) -> None:
        """Read a window in which these records changed."""
        six_hours = table.startswith("intercom/")
        end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
        rows = [{"_window": end, "_extracted_at": end, "changed_at": noon(day), **record} for record in records]
        partition = f"{day}T1800" if six_hours else str(day)
        columns = filled(table).columns
        rows = [{name: value for name, value in row.items() if name in columns} for row in rows]
        self.lake.write(table, partition, filled(table, *rows).to_pyarrow())

    def begin(self, **records: Iterable[Record]) -> None:
        """Read Amy and Joe, who pay, and some more of the first day."""
        people, subscriptions = zip(payer("amy"), payer("joe"), strict=True)
        self.read(BEFORE, "stripe/customers", *people)
        self.read(BEFORE, "stripe/subscriptions", *subscriptions)
        for table, rows in records.items():
            self.read(BEFORE, table.replace("_", "/", 1), *rows)

    def make(self, day: date, by: Policy | None = None) -> None:
        for table in upstream():
            table.write_day(self.lake, str(day))
        for table in HEALTH:
            assert under(table, by or policy()).write_day(self.lake, str(day))

    def rows(self, table: str, day: date) -> list[Record]:
        listed: list[Record] = self.lake.partition(table, str(day)).to_pyarrow().to_pylist()
        return listed

    def rewrite(self, table: str, **values: Any) -> None:
        """Let a table of the first day have other values in every row."""
        rows = [row | values for row in self.rows(table, BEFORE)]
        self.lake.write(table, str(BEFORE), filled(table, *rows).to_pyarrow())


def customer_behaviour(systems: Systems) -> None:
    systems.begin()
    systems.make(BEFORE)
    systems.read(DAY, "stripe/charges", failed_charge(noon(DAY)))


def late_data(systems: Systems) -> None:
    """The charge failed on the day before, and Stripe had it only after that day was published."""
    systems.begin()
    systems.make(BEFORE)
    systems.read(DAY, "stripe/charges", failed_charge(noon(BEFORE)))


def identity_merge(systems: Systems) -> None:
    """Somebody in Intercom turns out to be Amy, who keeps her id: of two of one day the lesser stays."""
    systems.begin(intercom_contacts=[contact(email="j@home.example")])
    systems.make(BEFORE)
    systems.read(DAY, "intercom/contacts", contact(email="amy@acme.com"))


def identity_split(systems: Systems) -> None:
    """Who was taken for Amy in Intercom turns out to be another."""
    systems.begin(intercom_contacts=[contact(email="amy@acme.com")])
    systems.make(BEFORE)
    systems.read(DAY, "intercom/contacts", contact(email="j@home.example"))


def policy_hash(systems: Systems) -> None:
    systems.begin(stripe_charges=[failed_charge(noon(BEFORE))])
    systems.make(BEFORE, changed(health={"failed_payment_points": 0}))


def code_version(systems: Systems) -> None:
    """Another version of the code did not see that a charge had failed."""
    systems.begin(stripe_charges=[failed_charge(noon(BEFORE))])
    systems.make(BEFORE)
    systems.rewrite("core/revenue", failed_payments_30d=0)
    systems.rewrite(rules.KEY, code_version="another")
    for table in (customer_health.TABLE, published_scores.TABLE):
        assert replace(table, append_only=False).write_day(systems.lake, str(BEFORE))


PLANTED: list[tuple[Callable[[Systems], None], Part]] = [
    (customer_behaviour, ("customer", "payment", "failed_payments_30d")),
    (late_data, ("late_data", "", "")),
    (identity_merge, ("identity", "", "")),
    (identity_split, ("identity", "", "")),
    (policy_hash, ("rules", "", "")),
    (code_version, ("code", "", "")),
]


@pytest.mark.parametrize(("plant", "cause"), PLANTED, ids=[plant.__name__ for plant, _ in PLANTED])
def test_a_planted_cause_gets_all_of_the_change(days: Days, plant: Callable[[Systems], None], cause: Part) -> None:
    systems = Systems(days.lake)
    plant(systems)
    systems.make(DAY)
    (amy,) = [row["customer_id"] for row in systems.rows("identity/people", DAY) if "amy" in row["email"]]
    change = days.health()[amy]["score_change_1d"]
    assert change != 0
    parts = [
        (row["cause"], row["component"], row["fact"], float(row["points_1d"]))
        for row in systems.rows(score_changes.TABLE.key, DAY)
        if row["customer_id"] == amy
    ]
    assert parts == [(*cause, float(change))]


def test_every_cause_is_planted() -> None:
    assert {cause for _, (cause, _, _) in PLANTED} == {CUSTOMER, *CAUSES}
