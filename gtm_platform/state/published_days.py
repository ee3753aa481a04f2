"""The receipts of what was copied into a warehouse: a row for each day of a table, of the file that is there now."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from datetime import datetime

import sqlalchemy as sa

from gtm_platform.state.schema import published_days as table


@dataclass(frozen=True)
class Receipt:
    """A day of a table as the warehouse has it: of which file, in which columns, how many rows."""

    warehouse: str
    schema_name: str
    table_name: str
    day: str
    stamp: str
    shape: str
    rows: int
    seconds: float
    run_id: str
    at: datetime


def keep(tx: sa.Connection, receipt: Receipt) -> None:
    """Keep a receipt in place of the one of the same day."""
    forget(tx, receipt.warehouse, receipt.schema_name, receipt.table_name, [receipt.day])
    tx.execute(sa.insert(table), asdict(receipt))


def forget(tx: sa.Connection, warehouse: str, schema: str, name: str, days: Collection[str]) -> None:
    """Forget receipts, so that these days are published again."""
    place = (table.c.warehouse == warehouse) & (table.c.schema_name == schema) & (table.c.table_name == name)
    tx.execute(sa.delete(table).where(place & table.c.day.in_(sorted(days))))


def receipts(tx: sa.Connection, warehouse: str, schema: str) -> list[Receipt]:
    """Return the receipts of a schema, by table and day."""
    place = (table.c.warehouse == warehouse) & (table.c.schema_name == schema)
    rows = tx.execute(sa.select(table).where(place).order_by(table.c.table_name, table.c.day)).mappings()
    return [Receipt(**{each.name: row[each.name] for each in fields(Receipt)}) for row in rows]
