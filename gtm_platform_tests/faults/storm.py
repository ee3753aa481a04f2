"""Writers and readers of a lake in which every row says which version it is of and how many rows that has: whoever
reads can tell a torn mixture, and rows that are missing, from what was written.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from multiprocessing.connection import Connection
from random import Random

import duckdb
import pyarrow as pa

from gtm_platform.lake import catalogue, contracts
from gtm_platform.lake.contracts import Column, Contract, declare
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.lake import Lake

TABLES = ["storm/waves", "storm/winds"]
DAYS = ["2026-03-01", "2026-03-02", "2026-03-03"]
MOST = 3000  # rows of a version
PAUSE = 0.2  # seconds that a reader leaves the processor to the writers
WHOLE = "select day, version, rows, count(*), count(distinct id) from ({}) group by all order by day"
MARKED = Contract(
    {
        "id": Column("string", nullable=False),
        "day": Column("string", nullable=False),
        "version": Column("string", nullable=False),
        "rows": Column("int64", nullable=False),
        "_window": Column("timestamp('UTC', 6)", nullable=False),
        "_extracted_at": Column("timestamp('UTC', 6)", nullable=False),
        "_deleted": Column("boolean", nullable=False),
    },
    key=("id",),
    cadence=24,
)
BEGAN, WRITTEN, DONE = "began", "written", "done"

Versions = dict[str, str]


def declared_here() -> Lake:
    """No other table is there: a catalogue of all of the platform's would be what takes the time."""
    contracts.TABLES.clear()
    for table in TABLES:
        declare(table, MARKED)
    return the_lake()


def begun(version: str, rows: int) -> Lake:
    """One version of one day, which is in the catalogue."""
    lake = declared_here()
    write(lake, TABLES[0], DAYS[0], version, rows)
    catalogue.renew(lake)
    return lake


def write(lake: Lake, table: str, day: str, version: str, rows: int) -> None:
    schema = MARKED.schema.to_pyarrow()
    at = datetime.fromisoformat(f"{day}T00:00:00+00:00")

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, rows, 1000):
            part = range(start, min(start + 1000, rows))
            same = {"day": day, "version": version, "rows": rows, "_window": at, "_deleted": False}
            same["_extracted_at"] = datetime.now(UTC)
            yield pa.RecordBatch.from_pylist([{"id": f"{day} {n}", **same} for n in part], schema=schema)

    lake.write(table, day, pa.RecordBatchReader.from_batches(schema, batches()))


def versions(rows: list[tuple[str, str, int, int, int]]) -> Versions:
    """The version of each day, if every day is of one, whole."""
    split_ids = [row for row in rows if not row[2] == row[3] == row[4]]
    if split_ids or len({row[0] for row in rows}) != len(rows):
        raise AssertionError(f"torn: {rows}")
    return {row[0]: row[1] for row in rows}


def in_lake(query: str) -> Versions:
    with cursor() as connection:
        return versions(connection.execute(WHOLE.format(query)).fetchall())


def in_catalogue(lake: Lake, view: str) -> Versions:
    with duckdb.connect(str(catalogue.path_of(lake)), read_only=True) as connection:
        return versions(connection.execute(WHOLE.format(f"from {view}")).fetchall())


# --- what the processes do -------------------------------------------------------------------------------------------


def writes(pipe: Connection, name: str, times: int) -> None:
    """Puts new versions into the place of old ones, its own and those of others, and renews the catalogue."""
    lake, random = declared_here(), Random(name)
    for number in range(times):
        write(lake, random.choice(TABLES), random.choice(DAYS), f"{name} {number}", random.randrange(1, MOST))
        catalogue.renew(lake)
    pipe.send(times)


def reads(pipe: Connection) -> None:
    """Looks at the lake until nobody writes any more; what it looked at once, it looks at once more a little later."""
    lake, kept = declared_here(), list[tuple[str, Versions]]()
    for times in count(1):
        for table in TABLES:
            queries = [lake.query_as_of(table, "9999").sql]
            queries += [lake.file_query(table, [file]).sql for file in lake.files(table)]
            for query in queries:
                kept.append((query, in_lake(query)))
        while len(kept) > 20:
            query, before = kept.pop(0)
            if in_lake(query) != before:
                raise AssertionError(f"other rows under the same names: {query}")
        if pipe.poll(PAUSE):
            pipe.send(times)
            return


def asks(pipe: Connection) -> None:
    """The same through the catalogue, as tools from outside do."""
    lake = declared_here()
    for times in count(1):
        for table in TABLES:
            schema, name = table.split("/")
            in_catalogue(lake, f"{schema}.{name}")
            in_catalogue(lake, f"current.{schema}_{name}")
        if pipe.poll(PAUSE):
            pipe.send(times)
            return


def writes_until_killed(pipe: Connection, round_: int) -> None:
    """Says before and after each write of one day, and each renewal of the catalogue, what it did."""
    lake = declared_here()
    for number in count():
        version = f"{round_} {number}"
        pipe.send((BEGAN, version))
        write(lake, TABLES[0], DAYS[0], version, 1 + number * 997 % MOST)
        pipe.send((WRITTEN, version))
        catalogue.renew(lake)
        pipe.send((DONE, version))
