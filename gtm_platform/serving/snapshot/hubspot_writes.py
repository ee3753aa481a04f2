"""What was written to HubSpot about each customer, as the journal in the state has it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

from gtm_platform.lake.canaries import is_canary
from gtm_platform.serving.snapshot.landing import Draft, Row, as_json, instant
from gtm_platform.state import open_state
from gtm_platform.state.hubspot_journal import changes_since

ROWS_AT_ONCE = 2_000


@dataclass(frozen=True)
class HubSpotWrites:
    """The writes from a day on, the newest first; read from the state each time, as they may be many."""

    state_url: str
    since: str

    def __iter__(self) -> Iterator[Row]:
        with closing(open_state(self.state_url)) as state, state.reading() as tx:
            fields = (field for field in changes_since(tx, self.since) if not is_canary(field["customer_id"]))
            for _, of_record in groupby(fields, key=lambda field: (field["run_id"], field["object_id"])):
                yield _write(list(of_record))


def _write(fields: list[Any]) -> dict[str, Any]:
    """Return what one run did to one record."""
    newest = fields[0]
    return {
        "at": instant(newest["receipt_at"] or newest["at"]),
        "day": newest["day"],
        "run_id": newest["run_id"],
        "object_type": newest["object_type"],
        "object_id": newest["object_id"],
        "customer_id": newest["customer_id"],
        "fields": [
            {name: field[name] for name in ("property", "before", "after", "status", "reason")}
            for field in sorted(fields, key=lambda field: str(field["property"]))
        ],
    }


def fill(draft: Draft) -> None:
    """Write the writes of the landing, the newest first, and what became of their fields by day."""
    writes, fields = iter(draft.landing.hubspot_writes), Counter[tuple[str, str, str, str]]()
    while rows := list(islice(writes, ROWS_AT_ONCE)):
        draft.db.executemany(
            "insert into hubspot_writes (customer_id, body) values (?, ?)",
            [(row["customer_id"], as_json(row)) for row in rows],
        )
        fields.update(
            (row["day"], row["object_type"], field["status"], field["reason"] or "")
            for row in rows
            for field in row["fields"]
        )
    draft.db.executemany(
        "insert into hubspot_fields values (?, ?, ?, ?, ?)", ((*what, count) for what, count in fields.items())
    )
