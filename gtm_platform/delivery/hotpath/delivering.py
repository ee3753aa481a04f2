"""The rows of some customers and companies to HubSpot, as every day's: by diff, guard and journal, and read back.

Contacts and companies that are there get their values; none is created, and none is associated, as that needs
everybody. No property is sent that is made of a stale column.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from gtm_platform.delivery.hotpath.computing import HotPart, HotRows
from gtm_platform.delivery.hotpath.lakes import ShownCustomers
from gtm_platform.delivery.hubspot.client import HubSpotObjects
from gtm_platform.delivery.hubspot.consent import Consent
from gtm_platform.delivery.hubspot.day_delivery import read_tables
from gtm_platform.delivery.hubspot.diff import without_fields
from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.delivery.hubspot.object_types import companies, contacts
from gtm_platform.delivery.hubspot.pipeline import deliver
from gtm_platform.delivery.hubspot.plan import DesiredRecord, plan
from gtm_platform.delivery.hubspot.report import DeliveryReport
from gtm_platform.delivery.hubspot.rules import DeliveryRules
from gtm_platform.delivery.hubspot.write import Run
from gtm_platform.intelligence.effect.shown_lake import experiments_in, shown
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.file_query import text
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.sources.hubspot.client import HubSpotClient
from gtm_platform.state import State

TYPES = (companies.OBJECT_TYPE, contacts.OBJECT_TYPE)  # companies first, as every day
UNTIL_NIGHT = "{name} waits for the next computation of everything"


@dataclass(frozen=True)
class HotDelivery:
    """What is to be sent of some customers or companies, and what is left out of it."""

    object_type: ObjectType
    desired: Sequence[DesiredRecord]
    waiting: Mapping[str, str]  # properties, each with the reason


def planned(rows: HotRows, lake: Lake) -> list[HotDelivery]:
    """Return what contacts and companies that are ready are to hold, as people are shown it."""
    parts, store = {part.subject: part for part in rows.parts}, shown_rows(rows, lake)
    return [
        _planned(object_type, part, store, rows.day)
        for object_type in TYPES
        if (part := parts[object_type.subject]).ready and set(part.tables) & set(object_type.inputs)
    ]


def _planned(object_type: ObjectType, part: HotPart, store: Lake, day: str) -> HotDelivery:
    named = replace(object_type.named_by(policy().hubspot), matching=None)
    ready = sorted(part.ready)
    tables = {
        key: table.filter(table[part.subject].isin(ready)) if part.subject in table.columns else table
        for key, table in read_tables(store, day, named.inputs, named.days_back).items()
    }
    waiting = {
        each.name: UNTIL_NIGHT.format(name=each.name)
        for each in named.properties
        if (each.origin.table, each.origin.column) in part.stale
    }
    desired = [without_fields(record, waiting) for record in plan(named, day, tables)]
    return HotDelivery(named, desired, waiting)


def shown_rows(rows: HotRows, lake: Lake) -> ShownCustomers:
    """Return the lake of hot rows as people are shown them."""
    some, experiments = rows.lake, experiments_in(shown(lake))
    return ShownCustomers(
        some.root, some.base, some.day, some.customers, some.whole, some.companies, experiments=experiments
    )


def send(
    delivery: HotDelivery, client: HubSpotClient, state: State, run: Run, stale: Mapping[str, str]
) -> DeliveryReport:
    """Write what differs and read it back, within the guard of every delivery."""
    rules = replace(DeliveryRules.of(policy().hubspot, run.now(), run.day), stale=stale)
    guard = Consent(delivery.object_type, run, policy().hubspot).guard()
    return deliver(delivery.desired, HubSpotObjects(client, delivery.object_type), state, run, guard, rules=rules)


def digests(part: HotPart, lake: Lake, day: str, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return a digest of each one's rows in each table that was made, without stale columns.

    `lake` is where the rows are read: that of the hot path, or that of the tables.
    """
    digested: dict[str, dict[str, str]] = {id: {} for id in ids}
    for table in part.tables:
        names = [name for name in contract_of(table).columns if (table, name) not in part.stale]
        for id, digest in digest_of(lake, table, day, names, part.subject, ids).items():
            digested[id][table] = digest
    return digested


def columns_of(digest: str) -> list[str]:
    """Return the columns that a digest is of."""
    return digest.partition(" ")[0].split(",")


def digest_of(
    lake: Lake, table: str, day: str, names: Sequence[str], subject: str, ids: Sequence[str]
) -> dict[str, str]:
    """Return a digest of all that columns of a table say of each one, with their names before it."""
    query = lake.query_day(table, day)
    columns = ", ".join(f'"{name}"::varchar' for name in names)
    listed = ", ".join(text(id) for id in ids) or "null"
    rows_of_each: dict[str, list[list[str | None]]] = {id: [] for id in ids}
    with lake.naming_damage(lambda: query.files), cursor() as connection:
        rows = connection.execute(
            f"select {subject}, [{columns}] from ({query.sql}) where {subject} in ({listed})"
        ).fetchall()
    for id, values in rows:
        rows_of_each[id].append(values)
    return {
        id: f"{','.join(names)} {hashlib.sha256(orjson.dumps(sorted(values, key=str))).hexdigest()[:32]}"
        for id, values in rows_of_each.items()
    }
