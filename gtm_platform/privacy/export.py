"""Everything that is known of a person, as files that people and programs read: JSON, and a CSV for each table."""

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gtm_platform.lake.contracts import TABLES
from gtm_platform.lake.lake import Lake
from gtm_platform.privacy import databases, lake_rows
from gtm_platform.privacy.needles import Needles
from gtm_platform.privacy.person import Nobody, find_person
from gtm_platform.serving.csv_file import as_csv
from gtm_platform.state import open_state

READABLE_BY_OWNER = 0o700
WHOLE = "everything.json"


class FolderNotEmpty(ValueError):
    """What is known of a person is written to a folder of its own; the message names it."""


@dataclass(frozen=True)
class Exported:
    """What was written: rows by table."""

    folder: Path
    rows: Mapping[str, int]


def export_person(lake: Lake, state_url: str, reference: str, folder: Path, now: datetime) -> Exported:
    """Write what the newest files of every table, and the state, hold of a person."""
    if folder.exists() and any(folder.iterdir()):
        raise FolderNotEmpty(f"{folder} is not empty: give a new folder, so that nobody else's data are mixed in.")
    person = lake_rows.completed(lake, find_person(lake, reference))
    needles = Needles(person)
    tables = _of_lake(lake, needles) | _of_state(state_url, needles)
    if not tables:
        raise Nobody("Nothing in this home names whoever is meant.")
    folder.mkdir(parents=True, exist_ok=True, mode=READABLE_BY_OWNER)
    whole = {
        "made_at": f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "addresses": person.addresses,
        "names": (*person.names, *person.shared_names),
        "tables": {
            table: {"about": TABLES[table].about if table in TABLES else "", "rows": rows}
            for table, rows in tables.items()
        },
    }
    (folder / WHOLE).write_text(json.dumps(whole, indent=1, ensure_ascii=False, default=str))
    for table, rows in tables.items():
        name = f"{table.replace('/', '.')}.csv"
        (folder / name).write_bytes(as_csv(list(rows[0]), [_as_texts(row) for row in rows]))
    return Exported(folder, {table: len(rows) for table, rows in tables.items()})


def _of_lake(lake: Lake, needles: Needles) -> dict[str, list[dict[str, Any]]]:
    """Return the rows that are about the person, or name them, each once and with the day or window it is of."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for hits in lake_rows.all_hits(lake, needles):
        if hits.is_newest:
            rows = [{"partition": hits.file.partition, **row} for row, _ in lake_rows.rows_of(hits, needles)]
            tables.setdefault(hits.table, []).extend(rows)
    return tables


def _of_state(url: str, needles: Needles) -> dict[str, list[dict[str, Any]]]:
    with closing(open_state(url)) as state:
        return {
            f"state/{table.name}": [dict(hit.row) for hit in hits]
            for table, hits in databases.hits_of_database(state.engine, needles)
        }


def _as_texts(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row whose lists and structures are JSON, as a cell holds one text."""
    return {name: _as_text(value) for name, value in row.items()}


def _as_text(value: Any) -> Any:
    if isinstance(value, (dict, Sequence)) and not isinstance(value, (str, bytes)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value
