"""People of all eleven person sources out of a formula, resolved from one day to the next; and the floor of that."""

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb

from gtm_platform.settings import settings
from gtm_platform_tests.bench.customers import DAY, DOMAIN, EMAIL, SAID, write, writing

TABLES = ("identity/links", "identity/companies", "identity/people")
# How many rows a table has for a thousand people.
PER_THOUSAND = {
    "hubspot/contacts": 1000,
    "hubspot/companies": 100,
    "stripe/customers": 600,
    "intercom/contacts": 800,
    "intercom/companies": 100,
    "calendly/invitees": 300,
    "fathom/meetings": 200,
    "posthog/persons": 700,
    "userflow/users": 500,
    "orb/customers": 200,
    "chartmogul/customers": 500,
    "listkit_admin/accounts": 400,
    "chroma_admin/accounts": 300,
}
PEOPLE = {
    "calendly/invitees": {"email": EMAIL, "is_internal": "false"},
    "fathom/meetings": {"invitees": f"[{{'name': 'Name', 'email': {EMAIL}, 'is_external': true}}]"},
    "posthog/persons": {"email": EMAIL, "user_id": "'user_' || c", "is_identified": "true"},
    "userflow/users": {"id": "'user_' || c", "email": EMAIL, "company_domain": DOMAIN},
    "orb/customers": {
        "email": f"'billing' || c || '@' || {DOMAIN}",
        "external_customer_id": "'user_' || c",
        "payment_provider": "'stripe_charge'",
        "payment_provider_id": "'cus_' || c",
        "hubspot_contact_id": "c::varchar",
        "company_domain": DOMAIN,
    },
    "chartmogul/customers": {"email": "null", "external_ids": "['cus_' || c]", "website": DOMAIN},
    "listkit_admin/accounts": {"email": EMAIL, "stripe_customer_id": "if(c % 3 = 0, 'cus_' || c, null)"},
    "chroma_admin/accounts": {"email": EMAIL, "last_active_on": "date '2026-02-20'"},
}
ENGINE = "4500MB"  # of the 6 GiB that it may take; a process has 2.5 GB by default, and puts more on the disk
SOURCES = len({table.split("/")[0] for table in PER_THOUSAND})


def settle(home: str, people: int) -> dict[str, Any]:
    """Write the people's records, and resolve the day before."""
    _move_in(home)
    rows = {table: people * share // 1000 for table, share in PER_THOUSAND.items()}
    windows = {
        table.split("/")[0]: "2026-03-01T1200" if table.startswith(("hubspot", "intercom")) else "2026-03-01"
        for table in PER_THOUSAND
    }
    with writing() as connection:
        for table, count in rows.items():
            write(connection, Path(home, "lake"), table, windows, count, people, every=1, rules=SAID | PEOPLE)
    _make(home, -1)
    return {"records": sum(rows.values()), "sources": SOURCES}


def resolve(home: str) -> dict[str, Any]:
    """Resolve the day: how long each table took."""
    _move_in(home)
    return {"tables": _make(home, 0)}


def floor(home: str) -> dict[str, Any]:
    """Read every column of the records once, and write what was resolved once."""
    _move_in(home)
    from gtm_platform.lake.contracts import contract_of

    lake, began = Path(home, "lake"), time.perf_counter()
    with duckdb.connect() as connection:
        for table in PER_THOUSAND:
            read = ", ".join(f'max("{name}")' for name in contract_of(table).columns if name != "payload")
            files = [str(path) for path in lake.glob(f"{table}/*.parquet")]
            connection.execute(f"select {read} from read_parquet({files})").fetchall()
        for table in TABLES:
            newest = max(lake.glob(f"{table}/*.parquet"))
            copy = Path(home, "copy.parquet")
            connection.execute(f"copy (from '{newest}') to '{copy}' (format parquet, compression zstd)")
    return {"seconds": time.perf_counter() - began}


def _make(home: str, days: int) -> dict[str, float]:
    from gtm_platform.definitions import DAILY_TABLES
    from gtm_platform.lake.lake import Lake

    lake, seconds = Lake(Path(home, "lake")), dict[str, float]()
    tables = {table.key: table for table in DAILY_TABLES}
    for name in TABLES:
        began = time.perf_counter()
        tables[name].write_day(lake, str(DAY + timedelta(days=days)))
        seconds[name] = time.perf_counter() - began
    return seconds


def _move_in(home: str) -> None:
    place = {"GTM_HOME": home, "GTM_FIRST_DAY": "2026-03-01", "DAGSTER_HOME": str(Path(home, "dagster"))}
    os.environ |= place | {"GTM_MEMORY_LIMIT": ENGINE}
    settings.cache_clear()  # read before, by what was imported
    import gtm_platform.definitions  # noqa: F401  declares the tables
