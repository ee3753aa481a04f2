"""The journal of HubSpot as a table of the lake, for SQL: what became of each field in each run.

Personal data stay in the journal: words that HubSpot or a person chose are left out, and values of personal columns.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date, datetime
from functools import cache
from typing import Any

import dagster as dg
import pyarrow as pa
import sqlalchemy as sa

from gtm_platform.delivery.hubspot.object_types import delivered_types, object_types
from gtm_platform.delivery.hubspot.properties import Property
from gtm_platform.delivery.hubspot.truth_table import TABLE as TRUTH
from gtm_platform.lake.canaries import is_canary
from gtm_platform.lake.contract_check import Written
from gtm_platform.lake.contracts import TABLES, Column, Contract, declare
from gtm_platform.lake.dagster.asset_pages import Metadata, definition_metadata, written_metadata
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.graph_policy import DAILY_FRESHNESS, OWNERS
from gtm_platform.settings import settings
from gtm_platform.state import State, open_state
from gtm_platform.state.hubspot_journal import days_changed_since, rows_of_day

TABLE = "delivery/hubspot_writes"
UNTIL = "technical/journaled_until"  # of a materialisation: where the next one goes on
ROWS_AT_ONCE = 20_000
MOMENT = "timestamp('UTC', 6)"

CONTRACT = declare(
    TABLE,
    Contract(
        columns={
            "id": Column("int64", "Number in the journal, in the order of time.", nullable=False),
            "day": Column("date", "The day whose values were to be delivered.", nullable=False),
            "run_id": Column("string", "Run of Dagster, or of an undo.", nullable=False),
            "object_type": Column("string", "Type of the object in HubSpot: contacts, companies.", nullable=False),
            "object_id": Column("string", "Id of the object in HubSpot.", nullable=False),
            "subject_id": Column("string", "Id of our record: a customer, a company.", nullable=False),
            "property": Column("string", "Name of the property in HubSpot.", nullable=False),
            "before": Column("string", "What HubSpot had; null for texts, which anybody may have written."),
            "after": Column("string", "What it was to have; null for values of personal columns."),
            "status": Column("string", "written, unchanged, held, rejected, or intent and unknown.", nullable=False),
            "cause": Column("string", "Why not, or who changed ours before: person, workflow, stale, refused, …"),
            "author_at": Column(MOMENT, "When somebody set the value that HubSpot had."),
            "source_table": Column("string", "Table of the lake that the value is of."),
            "source_column": Column("string", "Column of it."),
            "rule": Column("string", "Policy, model or source by which the value was made."),
            "at": Column(MOMENT, "When it was journaled.", nullable=False),
            "receipt_at": Column(MOMENT, "When its outcome was known."),
        },
        key=("id",),
        about="What became of each field that was to be written to HubSpot, run by run, without personal data.",
    ),
)


@dg.asset(
    key=TABLE.split("/"),
    description=CONTRACT.about,
    group_name="delivery",
    kinds={"parquet"},
    owners=OWNERS,
    deps=[*(dg.AssetDep(["delivery", f"hubspot_{each.name}"]) for each in object_types()), TRUTH.split("/")],
    freshness_policy=DAILY_FRESHNESS,
    metadata=definition_metadata(TABLE),
)
def hubspot_writes(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult[None]:
    """Write the days of the journal that changed since the last time."""
    store = lake.open()
    with closing(open_state(settings().state_url)) as state:
        written, until = write_changed_days(store, state, _journaled_until(context.instance))
    metadata: Metadata = {"days": dg.MetadataValue.int(len(written))}  # 0: the journal has nothing new
    if written:
        newest = max(written)
        metadata |= written_metadata(store, TABLE, newest, written[newest], {}, newest=newest)
    return dg.MaterializeResult(metadata=metadata | {UNTIL: dg.MetadataValue.text(until.isoformat() if until else "")})


def _journaled_until(instance: dg.DagsterInstance) -> datetime | None:
    made = instance.fetch_materializations(dg.AssetKey(TABLE.split("/")), limit=1).records
    materialization = made[0].asset_materialization if made else None
    value = materialization.metadata.get(UNTIL) if materialization else None
    return datetime.fromisoformat(str(value.value)) if value and value.value else None


def write_changed_days(store: Lake, state: State, since: datetime | None) -> tuple[dict[str, Written], datetime | None]:
    """Write the days that changed since a moment; return them, and the newest moment that they know of."""
    written: dict[str, Written] = {}
    until = since
    with state.reading() as tx:
        for day in days_changed_since(tx, since):
            moments: list[datetime] = []
            batches = pa.RecordBatchReader.from_batches(CONTRACT.schema.to_pyarrow(), _batches(tx, day, moments))
            written[day] = store.write(TABLE, day, batches)
            until = max([*moments, until] if until else moments)
    return written, until


def _batches(tx: sa.Connection, day: str, moments: list[datetime]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a day, and note the newest moment of each batch."""
    for rows in rows_of_day(tx, day, ROWS_AT_ONCE):
        moments.append(max(moment for row in rows for moment in (row["at"], row["receipt_at"]) if moment))
        people = [row for row in rows if not is_canary(row["customer_id"])]
        yield pa.RecordBatch.from_pylist([_row(dict(row)) for row in people], CONTRACT.schema.to_pyarrow())


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    shows_before, shows_after = _shows(row["object_type"], row["property"])
    made_by = _provenance(row["provenance"])
    same = {"id", "run_id", "object_type", "object_id", "property", "status", "cause", "author_at", "at", "receipt_at"}
    return {
        **{name: row[name] for name in same},
        "day": date.fromisoformat(row["day"]),
        "subject_id": row["customer_id"],
        "before": row["before"] if shows_before else None,
        "after": row["after"] if shows_after else None,
        "source_table": made_by.get("table"),
        "source_column": made_by.get("column"),
        "rule": made_by.get("rule"),
    }


@cache
def _shows(object_type: str, name: str) -> tuple[bool, bool]:
    """Say whether the values of a property that it had and is to have may be shown to everybody."""
    declared = {each.name: each.by_name for each in delivered_types()}.get(object_type, {}).get(name)
    if declared is None or _is_personal(declared):
        return False, False
    return declared.type != "string", True


def _is_personal(property: Property) -> bool:
    if property.personal:
        return True
    contract = TABLES.get(property.origin.table)
    column = contract.columns.get(property.origin.column) if contract else None
    return column is None or column.personal


@cache
def _provenance(text: str) -> dict[str, str]:
    values: dict[str, str] = json.loads(text)
    return values
