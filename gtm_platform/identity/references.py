"""Whom a person means by an address, an id, a domain or a record: the customers and companies of a day of the lake."""

from dataclasses import dataclass
from typing import Any

import ibis

from gtm_platform.identity import companies, links, people
from gtm_platform.lake.lake import Lake

Row = dict[str, Any]


class NobodyMeant(LookupError):
    """Nobody, or more than one, is meant by a reference; the message says what to write instead."""


@dataclass(frozen=True)
class Meant:
    """The records that a reference names, and the customer whose they are."""

    text: str
    customer_id: str
    records: list[Row]  # rows of identity/links: those named; of a customer's id all of them


def newest_day(lake: Lake, table: str = links.TABLE.key) -> str:
    """Return the newest day of a table of identity."""
    days = lake.partitions(table)
    if not days:
        raise NobodyMeant(f"There is no {table} in this home yet. Begin with `gtm demo`, or `gtm ui`.")
    return days[-1]


def rows_where(lake: Lake, table: str, day: str, condition: Any) -> list[Row]:
    """Return the rows of a day for which a condition on the table holds."""
    rows: list[Row] = lake.partition(table, day).filter(condition).to_pyarrow().to_pylist()
    return rows


def meant(lake: Lake, text: str, day: str) -> Meant:
    """Return who is meant by an address, a customer's id or alias, `source:record` or a record's id."""
    reference = text.strip()
    rows = rows_where(lake, links.TABLE.key, day, lambda t: _is_named(t, reference))
    if not rows and "@" in reference:
        rows = _by_further_address(lake, reference.lower(), day)
    if not rows:
        raise NobodyMeant(
            f"Nobody is called {reference} on {day}. Give an address, a customer's id, or a record as `source:id`."
        )
    customers = sorted({row["customer_id"] for row in rows})
    if len(customers) > 1:
        named = ", ".join(sorted(f"{row['source']}:{row['record_id']} ({row['customer_id']})" for row in rows)[:10])
        raise NobodyMeant(
            f"{reference} may be any of {len(customers)} customers. Name one by a record or its id: {named}."
        )
    return Meant(reference, customers[0], sorted(rows, key=lambda row: (row["source"], row["record_id"])))


def _is_named(t: ibis.Table, reference: str) -> ibis.ir.BooleanValue:
    source, colon, record = reference.partition(":")
    if colon:
        return (t["source"] == source) & (t["record_id"] == record)
    by_id = (t["customer_id"] == reference) | t["aliases"].contains(reference) | (t["record_id"] == reference)
    return by_id | (t["email"] == reference.lower())


def _by_further_address(lake: Lake, address: str, day: str) -> list[Row]:
    owners = rows_where(lake, people.TABLE.key, day, lambda t: t["all_emails"].contains(address))
    ids = [row["customer_id"] for row in owners]
    return rows_where(lake, links.TABLE.key, day, lambda t: t["customer_id"].isin(ids)) if ids else []


def is_company(reference: str) -> bool:
    """Whether a reference is a company's id or a domain."""
    text = reference.strip()
    return text.startswith("com_") or ("." in text and "@" not in text and ":" not in text)


def company_row(lake: Lake, reference: str, day: str) -> Row:
    """Return the row of the company that an id, a former one, or a domain means."""
    text = reference.strip().lower()
    rows = rows_where(lake, companies.TABLE.key, day, lambda t: _is_called(t, text))
    if not rows:
        raise NobodyMeant(f"No company has the id or domain {reference} on {day}.")
    return rows[0]


def _is_called(t: ibis.Table, text: str) -> ibis.ir.BooleanValue:
    return (t["company_id"] == text) | t["former_ids"].contains(text) | t["hosts"].contains(text)
