"""What holds after every fault, whatever it was, over a lake and the truth that its source knows (id -> fields)."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ibis

from gtm_platform.http.errors import ApiFailure
from gtm_platform.lake.contracts import TABLES, contract_of
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.file_query import quoted
from gtm_platform.lake.lake import Lake

Truth = Mapping[str, Mapping[str, Any]]
EVER = "9999"
TO_DO = re.compile(r"\b([Rr]un again|[Cc]heck|Ask for|Grant|raise it|make a new one)\b")
# What a traceback or a repr would leave in a sentence.
UNFIT = re.compile(r"Traceback|\bobject at 0x|<class |\n|\\x|\\n")


def rows_of(reading: ibis.Table, *fields: str) -> list[dict[str, Any]]:
    with cursor() as connection:
        asked = connection.execute(f'select {quoted(fields)} from "{reading.get_name()}"')
        return [dict(zip(fields, row, strict=True)) for row in asked.fetchall()]


def stored_records(lake: Lake, table: str, fields: Iterable[str]) -> list[tuple[str, dict[str, Any]]]:
    """What the table says today of each record, by these fields; a record that comes twice is listed twice."""
    rows = rows_of(lake.as_of(table, EVER), "id", *fields)
    return sorted(((row.pop("id"), row) for row in rows), key=lambda each: str(each[0]))


def nothing_lost_or_twice(lake: Lake, table: str, truth: Truth) -> None:
    """Every record there is, once, in its newest version, and none that there is not."""
    assert truth
    fields = list(next(iter(truth.values())))
    assert stored_records(lake, table, fields) == sorted((key, dict(record)) for key, record in truth.items())


def seen(lake: Lake) -> dict[str, str]:
    """All that a reader could see: each file's name, hidden ones too, and what it holds."""
    files = [path for path in lake.root.rglob("*") if path.is_file()]
    return {str(path.relative_to(lake.root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def nothing_half_done(lake: Lake) -> None:
    """No draft is left, and every file that counts can be read."""
    assert not [path for path in lake.root.rglob(".*") if path.is_file()]
    for table in TABLES:
        assert lake.damaged(str(file.path) for file in lake.files(table)) is None


def everything_accounted_for(
    lake: Lake, table: str, quarantine: str, partition: str, received: Sequence[str], set_aside: int
) -> None:
    """What came in is stored or set aside (with its reason and as received), each once; the rest came twice."""
    stored = rows_of(lake.partition(table, partition), "id")
    aside = rows_of(lake.partition(quarantine, partition), "record_id", "reason", "payload")
    twice = len(received) - len(set(received))
    assert len(received) == len(stored) + len(aside) + twice
    assert set(received) == {row["id"] for row in stored} | {row["record_id"] for row in aside}
    assert all(row["reason"] and row["payload"] for row in aside)
    assert len(aside) == set_aside


def fit_for_a_person(failure: ApiFailure, system: str, *parts: str) -> None:
    """One sentence or a few: which system, what happened there, and what to do now."""
    sentence = str(failure)
    assert failure.system == system
    assert sentence.startswith(system)
    assert len(sentence) < 800
    assert TO_DO.search(sentence), sentence
    assert not UNFIT.search(sentence), sentence
    for each in parts:
        assert each in sentence, sentence


def secret_in_no_failure(secret: str, failure: BaseException) -> None:
    """Neither in what it says nor in what is shown of it, nor in what it is shown to come from."""
    shown: BaseException | None = failure
    while shown is not None:
        assert secret not in f"{shown} {shown!r} {shown.args} {vars(shown)}"
        shown = shown.__cause__ or (None if shown.__suppress_context__ else shown.__context__)
    if isinstance(failure, ApiFailure):
        assert secret not in str(failure.metadata())


def secret_in_no_file(secret: str, lake: Lake) -> None:
    """Not in the bytes of a file, nor in a value, which in the bytes is compressed."""
    for path in lake.root.rglob("*"):
        assert secret not in path.name
        assert not path.is_file() or secret.encode() not in path.read_bytes()
    for table in TABLES:
        if files := lake.files(table):
            assert secret not in str(rows_of(lake.read(table, files), *contract_of(table).schema))
