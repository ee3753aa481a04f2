"""The wide table published to Postgres beside a plain COPY of the same rows.

The COPY is of text that DuckDB makes and psycopg loads, into a table with neither key nor partitions.
"""

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import ibis.expr.datatypes as dt

from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.file_query import quoted, sql_type, text
from gtm_platform.lake.lake import Lake
from gtm_platform.policy.publish import PublishedSchema
from gtm_platform.publish.postgres.settings import PostgresSettings
from gtm_platform.publish.postgres.warehouse import opened
from gtm_platform.publish.publishing import Schema
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.bench.rounds import compared, in_child, in_turns
from gtm_platform_tests.postgres_server import binaries, running

TABLE = "core/unified_customers"
# Of columns whose values are bound by a rule.
BOUND = {
    "customer_id": "'cus_' || lpad(i::varchar, 9, '0')",
    "customer_status": "'active'",
    "csat_avg_90d": "1 + i % 5",
    **dict.fromkeys(("sentiment_90d", "call_show_rate", "call_tone_90d"), "(i % 100) / 100"),
    **dict.fromkeys(("engagement_score", "onboarding_pct", "health_score", "churn_risk"), "i % 101"),
    **dict.fromkeys(("am_source", "mrr_source", "last_call_source"), "null"),
}
PUBLISH, COPY = (f"gtm_platform_tests.bench.publish:{name}" for name in ("publish", "copy"))


def value(name: str, kind: dt.DataType) -> str:
    """Return a value of row i: in one row of eleven null, where it is no key."""
    if name in BOUND:
        return BOUND[name]
    if isinstance(kind, dt.Array):
        inner = value("", kind.value_type)
        return f"[{inner}, {inner}]"
    exact = f"((i * 37 % 100000) / 100)::{sql_type(kind)}"
    values = {
        "string": f"'{name[:8]} ' || (i * 31 % 5000)",
        "boolean": "i % 3 = 0",
        "date": "date '2026-01-01' + (i % 300)::integer",
        "timestamp": "timestamptz '2026-01-01 00:00:00.123456+00' + to_seconds(i % 9000000)",
    }
    word = next((word for word in values if getattr(kind, f"is_{word}")()), None)
    return values[word] if word else exact


def settle(rows: int, day: str) -> None:
    """Write a day of the wide table."""
    contract = contract_of(TABLE)
    columns = []
    for name, kind in contract.schema.items():
        filled = f"date '{day}'" if name == "as_of" else value(name, kind)
        some = filled if not contract.columns[name].nullable else f"case when i % 11 <> 0 then {filled} end"
        columns.append(f'({some})::{sql_type(kind)} as "{name}"')
    query = engine().con.sql(f"select {', '.join(columns)} from range({rows}) as numbers(i)")
    Lake(settings().home / "lake").write(TABLE, day, query.to_arrow_reader())


def publish(url: str, rows: int) -> Mapping[str, Any]:
    """Publish two days: the first makes the table; the second is measured, new and then replaced."""
    import gtm_platform.unified.assets  # noqa: F401  declares the table

    days = [str(date.today() - timedelta(days=ago)) for ago in (1, 0)]
    rules = PublishedSchema(name="gtm", warehouse="postgres", tables=(TABLE,), personal=(f"{TABLE}.*",))
    settle(10, days[0])
    settle(rows, days[1])
    seconds = []
    with (
        closing(open_state(settings().state_url)) as state,
        opened(PostgresSettings(publish_postgres_url=url), "gtm") as warehouse,
    ):
        schema = Schema(rules, Lake(settings().home / "lake"), state)
        for _ in range(2):
            schema.forget(days)
            first, second = schema.due()
            schema.publish(warehouse, first, "bench")
            seconds.append(schema.publish(warehouse, second, "bench").seconds)
        counts = warehouse.counts(schema.target(TABLE, warehouse.names))
    if counts[days[1]] != rows:
        raise RuntimeError(f"{counts[days[1]]} rows arrived, not {rows}.")
    return {"new": seconds[0], "replaced": seconds[1]}


def copy(url: str, rows: int) -> Mapping[str, Any]:
    """Load the same rows by COPY, from a CSV file."""
    import psycopg

    import gtm_platform.unified.assets  # noqa: F401  declares the table

    day = str(date.today())
    settle(rows, day)
    [file] = Lake(settings().home / "lake").files(TABLE)
    types = {"varchar[]": "text[]", "varchar": "text", "double": "double precision", "float64": "double precision"}
    schema = contract_of(TABLE).schema
    columns = [f'"{name}" {types.get(sql_type(kind).lower(), sql_type(kind))}' for name, kind in schema.items()]
    lists = [name for name, kind in schema.items() if kind.is_array()]
    read = ", ".join(
        f"'{{' || array_to_string(list_transform(\"{name}\", x -> '\"' || x || '\"'), ',') || '}}' as \"{name}\""
        if name in lists
        else f'"{name}"'
        for name in schema
    )
    with psycopg.connect(url) as connection, tempfile.TemporaryDirectory() as folder:
        connection.execute(f"drop table if exists plain; create table plain ({', '.join(columns)})")
        connection.commit()
        began = time.perf_counter()
        csv = Path(folder) / "rows.csv"
        with duckdb.connect() as duck:
            duck.execute("set TimeZone='UTC'")
            duck.execute(f"copy (select {read} from {text(str(file.path))}) to {text(str(csv))} (header false)")
        with (
            connection.cursor() as cursor,
            csv.open("rb") as lines,
            cursor.copy(f"copy plain ({quoted(schema)}) from stdin (format csv)") as sink,
        ):
            while part := lines.read(1 << 20):
                sink.write(part)
        connection.commit()
        return {"seconds": time.perf_counter() - began}


def measure(effort: Effort) -> Iterator[Row]:
    if binaries() is None:
        raise RuntimeError("No Postgres server is installed: apt-get install postgresql.")
    rows = effort.of(200_000, 20_000)
    with running() as url:
        taken = in_turns(
            effort.rounds,
            publish=lambda: in_child(PUBLISH, url=url, rows=rows),
            copy=lambda: in_child(COPY, url=url, rows=rows),
        )
    plain = [rows / float(each.findings["seconds"]) for each in taken["copy"]]
    for name in ("new", "replaced"):
        ours = [rows / float(each.findings[name]) for each in taken["publish"]]
        what = f"{rows:,} rows of {TABLE}, the day {name}"
        yield Row(what, "rows/s", **compared(ours, plain), target=Target("≥", 0.8), baseline="a plain COPY")
    peak = max(each.peak_mb for each in taken["publish"])
    yield Row("memory", "MB", peak, Target("≤", 1), "what is allowed", 2048.0)


FIGURE = Figure(
    "publish",
    "Publishes a day of 200,000 customers to Postgres, with key, partition and count, at 0.8 times the speed of a "
    "plain COPY or better.",
    measure,
)
