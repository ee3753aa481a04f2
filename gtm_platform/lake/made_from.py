"""What a stored day was computed from, so that it is not computed again from the same.

The note lies beside the day's file, `.<partition>.made_from.json`: the file's name, a hash of all that its rows follow
from, and the lineage of its columns. A note that is lost, or speaks of another file, costs a computation.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from gtm_platform.lake.contract_check import Written, check_file
from gtm_platform.lake.contracts import Contract, ContractBroken, contract_of
from gtm_platform.lake.file_query import FileQuery
from gtm_platform.lake.lake import DamagedFile, File, Lake
from gtm_platform.lake.statements import code_hash
from gtm_platform.lake.store import fetch

ADDRESS = " at 0x"  # in the text of an object that has none of its own


def hash_of(
    rule: Callable[..., Any], contract: Contract, queries: Mapping[str, Sequence[FileQuery]], values: Mapping[str, Any]
) -> str | None:
    """Hash all that the rows of a day follow from; None where a value has no text of its own."""
    read = [(name, [query.sql for query in each]) for name, each in queries.items()]
    columns = [(name, column.type, column.nullable) for name, column in contract.columns.items()]
    text = repr((code_hash(), rule.__module__, rule.__qualname__, columns, contract.key, read, sorted(values.items())))
    return None if ADDRESS in text else hashlib.sha256(text.encode()).hexdigest()[:32]


def stored_day(lake: Lake, table: str, day: str, made_from: str) -> Written | None:
    """Return what is stored of a day if it was computed from just this and can be read; None otherwise."""
    file, note = _newest(lake, table, day), _read(_note(lake, table, day))
    if file is None or (note.get("file"), note.get("made_from")) != (file.path.name, made_from):
        return None
    try:
        with lake.naming_damage(lambda: lake.paths([file])):
            fetch([file.path])
            written = check_file(f"{table} {day}", contract_of(table), file.path)
    except (ContractBroken, DamagedFile):  # it is computed again
        return None
    lineage = {name: frozenset(map(tuple, columns)) for name, columns in note["lineage"].items()}
    return Written(written.rows, written.figures, lineage, is_new=False)


def remember(lake: Lake, table: str, day: str, made_from: str, written: Written) -> None:
    """Note what the newest file of a day was computed from."""
    if file := _newest(lake, table, day):
        lineage = {name: sorted(columns) for name, columns in written.lineage.items()}
        note, draft = _note(lake, table, day), file.path.parent / f".{secrets.token_hex(4)}.draft.parquet"
        with suppress(OSError):  # the day is computed once more
            draft.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps({"file": file.path.name, "made_from": made_from, "lineage": lineage}))
            draft.rename(note)


def _newest(lake: Lake, table: str, day: str) -> File | None:
    return next((file for file in lake.files(table) if file.partition == day), None)


def _note(lake: Lake, table: str, day: str) -> Path:
    return lake.root / table / f".{day}.made_from.json"


def _read(note: Path) -> dict[str, Any]:
    try:
        text: dict[str, Any] = json.loads(note.read_text())
    except (OSError, ValueError):  # none, or a damaged one
        return {}
    return text if isinstance(text, dict) else {}
