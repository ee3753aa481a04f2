"""Customers out of a formula, as the rows of their sources, written straight to a lake: about 8.6 rows a customer.

Nine in ten have an address at their company, some several or one that others share; people are tied together by
address, by shared id and by merges. One further window per source brings what moved, so that a reading has to choose.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
from ibis.backends.sql.datatypes import DuckDBType

import gtm_platform.sources.assets  # noqa: F401  declares the source tables
from gtm_platform.lake.contracts import contract_of

DAY = date(2026, 3, 2)
FIRST = {"hubspot": "2026-03-01T1200", "intercom": "2026-03-01T1800", "stripe": "2026-03-01"}
LATER = {"hubspot": "2026-03-02T1200", "intercom": "2026-03-02T1800", "stripe": "2026-03-02"}
MOVED = 50  # one record in so many moved in the later window
COMPANIES = 10  # customers a company
TOUCHED = 50  # of one customer in so many something happens before the day is made again

# How many rows a table has for a thousand customers.
PER_THOUSAND = {
    "hubspot/contacts": 1000,
    "hubspot/companies": 100,
    "hubspot/deals": 200,
    "hubspot/associations": 1400,
    "hubspot/engagements": 200,
    "stripe/customers": 600,
    "stripe/subscriptions": 600,
    "stripe/invoices": 1200,
    "stripe/charges": 1000,
    "stripe/refunds": 20,
    "stripe/disputes": 5,
    "intercom/contacts": 800,
    "intercom/companies": 100,
    "intercom/conversations": 500,
    "intercom/conversation_parts": 800,
    "intercom/tickets": 100,
}
FEW = {
    "hubspot/owners": 50,
    "hubspot/pipelines": 8,
    "intercom/admins": 50,
    "intercom/tags": 20,
    "stripe/products": 10,
    "stripe/prices": 40,
    "stripe/coupons": 10,
}

# Six in ten customers pay; of their bills, one in a hundred is of a payer that was deleted since.
PAYER = "if(c % 100 = 1, 'gone_' || c, 'cus_' || (c * 6 // 10))"

# In these, {n} is the number of customers and i the number of the row; c is the customer it is about.
DOMAIN = "if(c % 10 = 0, 'gmail.com', 'company' || (c // 10) || '.example')"
EMAIL = f"if(c % 211 = 0, 'info@company' || (c // 10) || '.example', 'person' || c || '@' || {DOMAIN})"
CENTS = "900 + (c % 97) * 100"
MODES = ("forever_only", "recurring", "all")
NOTHING = ", ".join(f"'mrr_{mode}': 0, 'arr_{mode}': 0" for mode in MODES)
EVERYTHING = ", ".join(f"'mrr_{mode}': {CENTS}, 'arr_{mode}': 12 * ({CENTS})" for mode in MODES)
PHASES = f"""[{{'begins': null, 'ends': instant(60), {NOTHING}}},
    {{'begins': instant(60), 'ends': null, {EVERYTHING}}}]"""
LINK = "[{{'to_id': {to}::varchar, 'type_id': 1, 'label': null, 'category': 'HUBSPOT_DEFINED'}}]"

SAID: dict[str, dict[str, str]] = {
    "hubspot/contacts": {
        "email": EMAIL,
        "additional_emails": "if(c % 20 = 3, ['other' || c || '@elsewhere.example'], [])",
        "company_id": "(c // 10)::varchar",
        "owner_id": "(c % 50)::varchar",
        "merged_ids": "if(c % 100 = 7, [(c + 100000000)::varchar], [])",
        "lifecycle_stage": "['lead', 'customer', 'opportunity'][1 + c % 3]",
        "country": "['DE', 'US', 'GB', 'FR'][1 + c % 4]",
    },
    "hubspot/companies": {
        "domain": "'company' || i || '.example'",
        "additional_domains": "if(i % 30 = 1, ['firm' || i || '.example'], [])",
        "name": "'Company ' || i",
        "merged_ids": "[]",
    },
    "hubspot/deals": {
        "stage_id": "(i % 8)::varchar",
        "pipeline_id": "'0'",
        "currency": "'EUR'",
        "amount": "1000 + i % 50000",
        "close_date": "instant(700 + i % 200)",
        "is_closed": "i % 3 = 0",
        "is_won": "i % 6 = 0",
    },
    "hubspot/associations": {
        "from_type": "if(i < {n}, 'contacts', 'deals')",
        "from_id": "if(i < {n}, i, (i - {n}) % ({n} // 5))::varchar",
        "to_type": "if(i < {n} or i >= {n} + {n} // 5, 'companies', 'contacts')",
        "links": f"if(i < {{n}} or i >= {{n}} + {{n}} // 5, {LINK.format(to='(c // 10)')}, {LINK.format(to='c')})",
    },
    "hubspot/engagements": {
        "type": "['note', 'call', 'email', 'meeting', 'task'][1 + i % 5]",
        "body": "'We spoke of the next steps and of what is still open, number ' || i",
    },
    "hubspot/pipelines": {"pipeline_id": "'0'", "stage_id": "i::varchar"},
    "stripe/customers": {
        "id": "'cus_' || i",
        "email": f"if(c % 40 = 9, 'billing' || c || '@' || {DOMAIN}, {EMAIL})",
        "currency": "['eur', 'usd'][1 + c % 2]",
        "company_domain": f"if(c % 4 = 0, {DOMAIN}, null)",
        "delinquent": "c % 60 = 0",
        "deleted": "false",
    },
    "stripe/subscriptions": {
        "id": "'sub_' || i",
        "customer_id": "'cus_' || i",
        "status": "['active', 'active', 'active', 'past_due', 'canceled'][1 + i % 5]",
        "currency": "['eur', 'usd'][1 + c % 2]",
        "product_id": "'prod_' || (i % 10)",
        "price_id": "'price_' || (i % 40)",
        "phases": PHASES,
        "interval": "'month'",
        "interval_count": "1",
        "cancel_at": "null",
        "cancel_at_period_end": "i % 40 = 0",
        "paused_collection": "if(i % 50 = 0, 'void', null)",
        "ended_at": "if(i % 5 = 4, instant(700 + i % 90), null)",
        "unit_amount": CENTS,
    },
    "stripe/invoices": {
        "customer_id": PAYER,
        "customer_email": EMAIL,
        "currency": "['eur', 'usd'][1 + c % 2]",
        "status": "['paid', 'paid', 'paid', 'open'][1 + i % 4]",
        "amount_paid_off_stripe": "if(i % 50 = 0, 5000, 0)",
        "deleted": "false",
    },
    "stripe/charges": {
        "id": "'ch_' || i",
        "customer_id": PAYER,
        "currency": "['eur', 'usd'][1 + c % 2]",
        "status": "if(i % 23 = 0, 'failed', 'succeeded')",
        "amount_captured": "if(i % 23 = 0, 0, 900 + (c % 97) * 100)",
    },
    "stripe/refunds": {"charge_id": "'ch_' || (i * 7)", "currency": "'eur'", "status": "'succeeded'"},
    "stripe/disputes": {"charge_id": "'ch_' || (i * 11)", "currency": "'eur'", "status": "'lost'"},
    "stripe/products": {"id": "'prod_' || i", "tier": "['Starter', 'Team', 'Enterprise'][1 + i % 3]"},
    "stripe/prices": {"id": "'price_' || i", "product_id": "'prod_' || (i % 10)"},
    "intercom/contacts": {
        "email": f"if(c % 30 = 4, upper({EMAIL}), {EMAIL})",
        "role": "if(c % 9 = 0, 'lead', 'user')",
        "company_ids": "[(c // 10)::varchar]",
        "stripe_id": "if(c % 2 = 0 and c < {n} * 6 // 10, 'cus_' || c, null)",
        "last_seen_at": "instant(790 - c % 120)",
    },
    "intercom/companies": {"website": "'https://company' || i || '.example'", "name": "'Company ' || i"},
    "intercom/conversations": {
        "contact_id": "c::varchar",
        "contact_ids": "[c::varchar]",
        "state": "['closed', 'closed', 'open', 'snoozed'][1 + i % 4]",
        "priority": "if(i % 20 = 0, 'priority', 'not_priority')",
        "tags": "if(i % 25 = 0, ['urgent'], [])",
        "rating": "1 + i % 5",
        "rated_at": "instant(600 + i % 190)",
        "author_type": "'user'",
        "author_id": "c::varchar",
        "body": "if(i % 200 = 0, 'I want to cancel my plan', 'How does the export of last week work, number ' || i)",
    },
    "intercom/conversation_parts": {
        "conversation_id": "(i % ({n} // 2))::varchar",
        "author_id": "(i % ({n} * 8 // 10))::varchar",
        "author_type": "if(i % 2 = 0, 'user', 'admin')",
        "part_type": "'comment'",
        "body": "'It is about the import of last month, and about the numbers in it; number ' || i",
    },
    "intercom/tickets": {"contact_id": "c::varchar", "open": "i % 3 = 0", "state": "'submitted'"},
}
# What happens: nobody is another, and nobody is new.
HAPPENED = {
    "hubspot/contacts": {"lifecycle_stage": "'evangelist'", "country": "'SE'"},
    "hubspot/deals": {"amount": "70000 + i % 999"},
    "stripe/subscriptions": {"status": "if(i % 3 = 0, 'past_due', 'active')", "unit_amount": "7700"},
    "stripe/charges": {"amount_captured": "4200 + i % 99"},
    "intercom/contacts": {"last_seen_at": "instant(791)"},
    "intercom/conversations": {"state": "'open'", "rating": "5"},
    "intercom/conversation_parts": {"body": "'Thanks, that was great, number ' || i"},
    "intercom/tickets": {"open": "true"},
}
USUAL = {
    "string": "'{name} ' || dice(i, '{name}', 5000)",
    "int64": "dice(i, '{name}', 100)",
    "boolean": "dice(i, '{name}', 7) = 0",
    "float64": "dice(i, '{name}', 201) / 100.0 - 1",
    "decimal(24, 6)": "dice(i, '{name}', 1000000) / 100",
    "timestamp('UTC', 6)": "instant(dice(i, '{name}', 67392000) / 86400.0)",
}


@contextmanager
def writing() -> Iterator[duckdb.DuckDBPyConnection]:
    """Connect to an engine that knows the macros of the formulas."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; set preserve_insertion_order = false")
        connection.execute("create macro instant(days) as timestamptz '2024-01-01' + to_seconds(86400 * days)")
        connection.execute("create macro dice(i, salt, sides) as (hash(i, salt) % sides)::bigint")
        yield connection


def settle(lake: Path, customers: int) -> int:
    """Writes the customers' source rows into the lake; says how many."""
    rows = {table: customers * share // 1000 for table, share in PER_THOUSAND.items()} | FEW
    with writing() as connection:
        for table, count in rows.items():
            write(connection, lake, table, FIRST, count, customers, every=1)
            write(connection, lake, table, LATER, count, customers, every=MOVED)
    return sum(rows.values())


def touch(lake: Path, customers: int, times: int) -> int:
    """Let something happen to one customer in fifty, others each time; return to how many it does.

    Their records come with the later window, read once more; it holds those of the times before as well.
    """
    touched = f"c % {TOUCHED} between 1 and {times}"
    with writing() as connection:
        for table, happened in HAPPENED.items():
            usual, schema = SAID.get(table, {}), contract_of(table).schema
            before = {name: _said(usual, name, str(schema[name]), customers, "null") for name in happened}
            after = {name: f"if({touched}, {value}, {before[name]})" for name, value in happened.items()}
            rules, count = {table: {**usual, **after}}, customers * PER_THOUSAND[table] // 1000
            write(connection, lake, table, LATER, count, customers, MOVED, rules, also=touched)
    return customers // TOUCHED


def write(
    connection: duckdb.DuckDBPyConnection,
    lake: Path,
    table: str,
    windows: dict[str, str],
    count: int,
    customers: int,
    every: int,
    rules: Mapping[str, Mapping[str, str]] = SAID,
    also: str = "false",
) -> None:
    """Write some rows of a table, its columns by what is said of them, into the window of its source.

    These are every so many, and those that are `also` wanted.
    """
    folder = lake / table
    folder.mkdir(parents=True, exist_ok=True)
    partition = windows[table.split("/")[0]]
    kind = "full" if every == 1 else "part"
    target = folder / f"{partition}.{time.time_ns():020d}0000.{kind}.parquet"
    window = f"timestamptz '{DAY}'" if every > 1 else "timestamptz '2026-03-02' - interval 1 hour"
    columns = ", ".join(
        f'({_said(rules.get(table, {}), name, str(kind), customers, window)})::{DuckDBType.to_string(kind)} as "{name}"'
        for name, kind in contract_of(table).schema.items()
    )
    numbers = f"select i, i % {customers} as c from range(0, {count}) t(i) where i % {every} = 0 or {also}"
    connection.execute(f"copy (select {columns} from ({numbers})) to '{target}' (format parquet, compression zstd)")


def _said(columns: Mapping[str, str], name: str, kind: str, customers: int, window: str) -> str:
    landed = {"_window": window, "_extracted_at": window, "_run_id": "'bench'", "_deleted": "false", "payload": "null"}
    if name in landed:
        return landed[name]
    if said := columns.get(name):
        return said.replace("{n}", str(customers))
    if name == "id":
        return "i::varchar"
    return USUAL[kind].replace("{name}", name) if kind in USUAL else "[]"
