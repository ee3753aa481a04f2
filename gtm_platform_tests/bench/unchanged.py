"""A day on which nothing changed, or little did, beside making all of it or reading what tells so: the daily tables, a
delivery, and the windows of sources.
"""

import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gtm_platform.delivery.gate import CUSTOMERS, HEALTH, rows
from gtm_platform.delivery.hubspot.day_delivery import deliver_day, read_tables
from gtm_platform.delivery.hubspot.diff import differing
from gtm_platform.delivery.hubspot.object_types.contacts import OBJECT_TYPE as CONTACTS
from gtm_platform.delivery.hubspot.plan import DesiredRecord, plan
from gtm_platform.delivery.hubspot.write import Run
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import Statement
from gtm_platform.lake.file_query import sql_type
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox import hubspot
from gtm_platform.sandbox.hubspot.store import HubSpotRecord, HubSpotStore
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.settings import settings
from gtm_platform.state import State, open_state
from gtm_platform.state.hubspot_confirmed import as_text
from gtm_platform.state.schema import hubspot_confirmed as confirmed
from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.bench.latency import WAIT
from gtm_platform_tests.bench.marts import MAKE, SETTLE
from gtm_platform_tests.bench.rounds import Taken, compared, in_child, in_turns
from gtm_platform_tests.delivery.world import served
from gtm_platform_tests.tables import filled

TOUCH = "gtm_platform_tests.bench.day:touch"
SHOWN_TABLES = 12  # those that take the longest
DAY, NOW = "2026-11-20", datetime(2026, 11, 20, 6, tzinfo=UTC)


def measure(effort: Effort) -> Iterator[Row]:
    yield from _tables_again(effort.of(100_000, 10_000), effort.rounds)
    for customers in (10_000,) if effort.quick else (20_000, 100_000):
        yield from _tables_touched(customers, effort.rounds)
    contacts = effort.of(30_000, 3_000)
    found = in_child(f"{__name__}:deliver_again", contacts=contacts, rounds=7 * effort.rounds).findings
    ours, floor = found["ours"], found["floor"]
    what = f"delivery to HubSpot, {contacts:,} contacts"
    yield Row(what, "s", **compared(ours, floor), target=Target("≤", 3), baseline="reading both sides' columns")
    yield Row(what, "calls to HubSpot", found["calls"], Target("≤", 0))
    records, changed = effort.of(1_000_000, 50_000), effort.of(100_000, 5_000)
    found = in_child(f"{__name__}:diff_again", records=records, changed=changed, rounds=effort.rounds).findings
    what = f"diff of {records:,} contacts of which {changed:,} changed"
    both = compared(found["ours"], found["floor"])
    yield Row(what, "s", **both, target=Target("≤", 3), baseline="reading both sides' columns")
    for source in ("hubspot", "stripe"):
        rounds = 2 * effort.rounds - 1  # days, before a week is over and all is read anew
        found = in_child("gtm_platform_tests.bench.window:read_again", name=source, rounds=rounds).findings
        what = f"a window of {source}, {found['requests']} requests of {WAIT * 1000:.0f} ms"
        both = compared(found["ours"], found["floor"])
        yield Row(what, "s", **both, target=Target("≤", 1.2), baseline="making the requests")


def _tables_again(customers: int, rounds: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="gtm-bench-") as home:
        in_child(SETTLE, home=home, customers=customers)
        taken = in_turns(
            rounds,
            anew=lambda: in_child(MAKE, home=home),
            again=lambda: in_child(MAKE, home=home, by_itself=True),
        )
    again, anew = ([_of_tables(one.findings["tables"]) for one in taken[kind]] for kind in ("again", "anew"))
    what = f"all daily tables of {customers:,} customers"
    yield Row(what, "s", **compared(again, anew), target=Target("≤", 0.1), baseline="computing them")
    again, anew = ([float(one.findings["wall"]) for one in taken[kind]] for kind in ("again", "anew"))
    what = f"their run, with a snapshot of {customers:,} customers"
    yield Row(what, "s", **compared(again, anew), baseline="computing them")


def _tables_touched(customers: int, rounds: int) -> Iterator[Row]:
    """Make a day again after something happened to one customer in fifty, and then all of it, on the same records."""
    with tempfile.TemporaryDirectory(prefix="gtm-bench-") as home:
        in_child(SETTLE, home=home, customers=customers)
        in_child(MAKE, home=home)
        taken: dict[str, list[Taken]] = {"touched": [], "anew": []}
        for nth in range(1, rounds + 1):
            in_child(TOUCH, home=home, customers=customers, times=nth)
            taken["touched"].append(in_child(MAKE, home=home, by_itself=True))
            taken["anew"].append(in_child(MAKE, home=home))
    touched, anew = ([one.findings["tables"] for one in taken[kind]] for kind in ("touched", "anew"))
    what = f"all daily tables, 2 % of {customers:,} customers changed"
    both = compared(list(map(_of_tables, touched)), list(map(_of_tables, anew)))
    yield Row(what, "s", **both, target=Target("≤", 0.3), baseline="computing them")
    cpu = compared([one.cpu for one in taken["touched"]], [one.cpu for one in taken["anew"]])
    yield Row(f"CPU of their run, 2 % of {customers:,} customers changed", "s", **cpu, baseline="computing them")
    slowest = sorted(touched[-1], key=lambda table: -touched[-1][table])[:SHOWN_TABLES]
    for table in slowest:
        of_table = compared([one[table] for one in touched], [one[table] for one in anew])
        yield Row(f"2 % of {customers:,} customers changed: {table}", "s", **of_table, baseline="computing it")


def _of_tables(seconds: Mapping[str, float]) -> float:
    """What the daily tables took; what is served is made in each run, as it shows the alerts and writes of the hour."""
    return sum(taken for table, taken in seconds.items() if table != "serving/snapshot")


def deliver_again(contacts: int, rounds: int) -> dict[str, Any]:
    """Delivers a day once, and then the same day again and again; with the calls made by all but the first."""
    lake = Lake(settings().home / "lake")
    _fill(lake, contacts)
    generous = hubspot.Limits(*(Limit(10**9, 10) for _ in range(3)))
    with served(hubspot.app(_portal(contacts), lambda: NOW, limits=generous)) as watched:
        os.environ |= {"HUBSPOT_ACCESS_TOKEN": hubspot.TOKEN, "HUBSPOT_BASE_URL": watched.url}
        os.environ["GTM_POLICY"] = str(_policy_with_all_limits())
        settings.cache_clear()
        first = _seconds(partial(deliver_day, CONTACTS, lake, Run("first", DAY, lambda: NOW), None, dry_run=False))
        watched.calls.clear()
        ours, floor = [], []
        for number in range(rounds):
            floor.append(_seconds(partial(_read, lake)))
            run = Run(f"again-{number}", DAY, lambda: NOW)
            ours.append(_seconds(partial(deliver_day, CONTACTS, lake, run, None, dry_run=False)))
        return {"first": first, "ours": ours, "floor": floor, "calls": len(watched.calls)}


def diff_again(records: int, changed: int, rounds: int) -> dict[str, Any]:
    """Plans a day of many contacts and compares it with what was confirmed, of which some are otherwise."""
    lake = Lake(settings().home / "lake")
    _generate(lake, HEALTH, JUDGED, records)
    _generate(lake, CUSTOMERS, CUSTOMER, records)
    with closing(open_state(settings().state_url)) as state:
        _confirm(lake, state, changed)
        ours, floor = [], []
        for _ in range(rounds):
            floor.append(_seconds(partial(_read, lake)))
            ours.append(_seconds(partial(_diff, lake, state, changed)))
    return {"ours": ours, "floor": floor}


def _diff(lake: Lake, state: State, changed: int) -> None:
    different = differing(_planned(lake), CONTACTS, state)
    assert len(different) == changed


def _planned(lake: Lake) -> list[DesiredRecord]:
    return plan(CONTACTS, DAY, read_tables(lake, DAY, CONTACTS.inputs))


def _confirm(lake: Lake, state: State, changed: int) -> None:
    """Note all values of the day as confirmed, but of some contacts another score."""
    rows = [
        {
            "object_type": CONTACTS.name,
            "object_id": record.object_id,
            "doubts": "",
            "confirmed": as_text({**record.values, "gtm_health_score": "-1"} if n < changed else record.values),
        }
        for n, record in enumerate(_planned(lake))
    ]
    with state.writing() as tx:
        tx.execute(sa.insert(confirmed), rows)


SCORE = "(c * 37 % 101)"
JUDGED = {
    "customer_id": "'cus_' || lpad(c::varchar, 7, '0')",
    "health_score": SCORE,
    "health_status": f"['critical', 'high_risk', 'at_risk', 'healthy'][{SCORE} // 26 + 1]",
    "churn_risk": f"100 - {SCORE}",
    "risk_signals": f"if({SCORE} < 40, ['inactive_30d', 'low_csat'], [])",
}
CUSTOMER = {
    "customer_id": JUDGED["customer_id"],
    "hubspot_contact_id": "c::varchar",
    "customer_status": "'active'",
    "is_customer": "true",
    "mrr": SCORE,
    "mrr_reporting": SCORE,
    "mrr_source": "'stripe'",
    "currency": "'usd'",
}


def _generate(lake: Lake, table: str, values: Mapping[str, str], rows: int) -> None:
    """Write a day of a table by formulas of a number `c`; what has none says as little as it may."""
    contract = contract_of(table)
    columns = [
        f"({values.get(name) or _least(column.type, nullable=column.nullable)})::{sql_type(kind)} as {name}"
        for (name, column), kind in zip(contract.columns.items(), contract.schema.types, strict=True)
    ]
    lake.write(table, DAY, Statement(f"select {', '.join(columns)} from range(1, {rows + 1}) as t(c)"))


def _least(kind: str, *, nullable: bool) -> str:
    if nullable:
        return "null"
    if kind.startswith("array"):
        return "[]"
    if kind.startswith(("date", "timestamp")):
        return "timestamp '2026-01-01'"
    return "false" if kind == "boolean" else "'?'" if kind == "string" else "0"


def _policy_with_all_limits() -> Path:
    """Write a policy for an account that is ours alone: the whole of its limits may be used."""
    path = settings().home / "policy.toml"
    packaged = files("gtm_platform").joinpath("policy/policy.toml").read_text()
    path.write_text(packaged.replace("[limits.systems]\n", "[limits.systems]\nhubspot = 1.0\n"))
    return path


def _fill(lake: Lake, contacts: int) -> None:
    chance = random.Random(7)
    people = [(f"cus_{n:06d}", str(n), chance.randint(0, 100)) for n in range(1, contacts + 1)]
    judged = [
        {
            "customer_id": customer,
            "health_score": score,
            "health_status": ("critical", "high_risk", "at_risk", "healthy")[score // 26],
            "churn_risk": 100 - score,
            "risk_signals": ["inactive_30d", "low_csat"] if score < 40 else [],
        }
        for customer, _, score in people
    ]
    known = [
        {
            "customer_id": customer,
            "hubspot_contact_id": contact,
            "customer_status": "active",
            "is_customer": True,
            "mrr": Decimal(score),
            "mrr_reporting": Decimal(score),
            "mrr_source": "stripe",
            "currency": "usd",
        }
        for customer, contact, score in people
    ]
    lake.write(HEALTH, DAY, filled(HEALTH, *judged).to_pyarrow().to_reader())
    lake.write(CUSTOMERS, DAY, filled(CUSTOMERS, *known).to_pyarrow().to_reader())


def _portal(contacts: int) -> HubSpotStore:
    records = (HubSpotRecord(str(n), {"email": f"p{n}@acme.example"}, NOW, NOW) for n in range(1, contacts + 1))
    return HubSpotStore(objects={"contacts": {record.id: record for record in records}}, next_id=contacts + 1)


def _read(lake: Lake) -> None:
    """The least from which one can know: what is to be there, and what was confirmed last."""
    rows(lake, HEALTH, DAY, CONTACTS.subject, *CONTACTS.columns_of(HEALTH))
    rows(lake, CUSTOMERS, DAY, CONTACTS.subject, CONTACTS.key, *CONTACTS.columns_of(CUSTOMERS))
    wanted = sa.select(confirmed.c.object_id, confirmed.c.doubts, confirmed.c.confirmed)
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        tx.execute(wanted).all()


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


FIGURE = Figure(
    "unchanged", "An unchanged day costs little more than reading what tells so, and nothing is sent.", measure
)
