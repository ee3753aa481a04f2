"""A small BigQuery on loopback, for the official client: datasets, tables, load jobs into a partition, and queries.

It is as strict as BigQuery where publishing could be wrong: a table keeps its types and only gets new nullable columns,
a partition takes rows of its own day only, lists are read with list inference only, hold no null and are never null.
"""

import re
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

API = "/bigquery/v2/projects/{project}"
TYPES = {"STRING": "varchar", "INTEGER": "bigint", "FLOAT": "double", "BOOLEAN": "boolean", "DATE": "date"}
TYPES |= {"TIMESTAMP": "timestamptz"}


class Rejection(Exception):
    """A request that BigQuery refuses: status and reason."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def duckdb_type(column: Mapping[str, Any]) -> str:
    """Return the type of a column here."""
    word = column["type"]
    digits = f"({column.get('precision', 38)}, {column.get('scale', 9)})"
    scalar = f"decimal{digits}" if word.endswith("NUMERIC") else TYPES[word]
    return f"{scalar}[]" if column.get("mode") == "REPEATED" else scalar


@dataclass
class Store:
    """What is there: tables as they were declared, rows in DuckDB, jobs and uploads."""

    folder: Path
    db: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)
    datasets: set[str] = field(default_factory=set)
    tables: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    uploads: dict[str, dict[str, Any]] = field(default_factory=dict)

    def create_dataset(self, body: dict[str, Any]) -> dict[str, Any]:
        name = body["datasetReference"]["datasetId"]
        if name in self.datasets:
            raise Rejection(409, f"Already Exists: Dataset {name}")
        self.datasets.add(name)
        self.db.execute(f'create schema "{name}"')
        return body

    def create_table(self, dataset: str, body: dict[str, Any]) -> dict[str, Any]:
        name = body["tableReference"]["tableId"]
        if (dataset, name) in self.tables:
            raise Rejection(409, f"Already Exists: Table {name}")
        assert body["timePartitioning"]["field"] == "as_of"
        columns = ", ".join(f'"{each["name"]}" {duckdb_type(each)}' for each in body["schema"]["fields"])
        self.db.execute(f'create table "{dataset}"."{name}" ({columns})')
        self.tables[dataset, name] = body
        return body

    def table(self, dataset: str, name: str) -> dict[str, Any]:
        if (dataset, name) not in self.tables:
            raise Rejection(404, f"Not found: Table {name}")
        return self.tables[dataset, name]

    def change_table(self, dataset: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        table = self.table(dataset, name)
        before, after = table["schema"]["fields"], body["schema"]["fields"]
        if [_bare(each) for each in after[: len(before)]] != [_bare(each) for each in before]:
            raise Rejection(400, "Provided Schema does not match Table: columns are only added.")
        for column in after[len(before) :]:
            if column.get("mode") == "REQUIRED":
                raise Rejection(400, f"Cannot add required column {column['name']} to an existing table.")
            self.db.execute(f'alter table "{dataset}"."{name}" add column "{column["name"]}" {duckdb_type(column)}')
        table["schema"] = body["schema"]
        return table

    def load(self, job: dict[str, Any], content: bytes) -> dict[str, Any]:
        """Replace a partition, whole or not at all."""
        config = job["configuration"]["load"]
        place = config["destinationTable"]
        name, _, partition = place["tableId"].partition("$")
        table = self.table(place["datasetId"], name)
        self._require_same_schema(config, table)
        day = f"{partition[:4]}-{partition[4:6]}-{partition[6:]}"
        file = self.folder / f"{secrets.token_hex(8)}.parquet"
        file.write_bytes(content)
        reads = ", ".join(self._read(config, column) for column in table["schema"]["fields"])
        address = f'"{place["datasetId"]}"."{name}"'
        self.db.execute("begin")
        try:
            self.db.execute(f"delete from {address} where as_of = date '{day}'")
            self.db.execute(f"insert into {address} by name select {reads} from read_parquet('{file}')")
            [(rows, wrong)] = self.db.execute(
                f"select count(*), count(*) filter (as_of <> date '{day}') from read_parquet('{file}')"
            ).fetchall()
            if wrong:
                raise Rejection(400, "Some rows belong to different partitions rather than destination partition.")
            self.db.execute("commit")
        except Exception:
            self.db.execute("rollback")
            raise
        return {"load": {"outputRows": str(rows)}}

    def _require_same_schema(self, config: dict[str, Any], table: dict[str, Any]) -> None:
        assert config["writeDisposition"] == "WRITE_TRUNCATE"
        assert config["sourceFormat"] == "PARQUET"
        loaded, kept = ({each["name"]: _bare(each) for each in of["schema"]["fields"]} for of in (config, table))
        if loaded != kept:
            raise Rejection(400, "Provided Schema does not match Table.")

    def _read(self, config: dict[str, Any], column: dict[str, Any]) -> str:
        name = column["name"]
        if column.get("mode") != "REPEATED":
            required = column.get("mode") == "REQUIRED"
            return f'coalesce("{name}", error(\'{name} is null\')) as "{name}"' if required else f'"{name}"'
        if not config.get("parquetOptions", {}).get("enableListInference"):
            raise Rejection(400, f"Field {name} has changed type from REPEATED to RECORD.")
        no_nulls = f'len(list_filter("{name}", x -> x is null)) > 0'
        return f'case when {no_nulls} then error(\'null in {name}\') else coalesce("{name}", []) end as "{name}"'

    def query(self, statement: str) -> dict[str, Any]:
        sql = re.sub(r"`[^.`]+\.([^.`]+)\.([^.`]+)`", r'"\1"."\2"', statement)
        cursor = self.db.execute(sql)
        types = {"VARCHAR": "STRING", "BIGINT": "INTEGER", "DATE": "DATE"}
        fields = [
            {"name": f"f{n}_", "type": types.get(str(each[1]), "STRING")}
            for n, each in enumerate(cursor.description or ())
        ]
        rows = [{"f": [{"v": None if value is None else str(value)} for value in row]} for row in cursor.fetchall()]
        return {"jobComplete": True, "schema": {"fields": fields}, "rows": rows, "totalRows": str(len(rows))}


def _bare(column: Mapping[str, Any]) -> tuple[Any, ...]:
    return column["name"], column["type"], column.get("mode", "NULLABLE"), column.get("precision"), column.get("scale")


def app(store: Store) -> Starlette:
    """Serve a store."""

    async def datasets(request: Request) -> Response:
        return JSONResponse(store.create_dataset(await request.json()))

    async def tables(request: Request) -> Response:
        dataset = request.path_params["dataset"]
        if request.method == "POST":
            return JSONResponse(store.create_table(dataset, await request.json()))
        if dataset not in store.datasets:
            raise Rejection(404, f"Not found: Dataset {dataset}")
        listed = [body for (of, _), body in store.tables.items() if of == dataset]
        return JSONResponse({"tables": listed, "totalItems": len(listed)})

    async def table(request: Request) -> Response:
        place = (request.path_params["dataset"], request.path_params["table"])
        if request.method == "PATCH":
            return JSONResponse(store.change_table(*place, await request.json()))
        return JSONResponse(store.table(*place))

    async def begin_upload(request: Request) -> Response:
        id = secrets.token_hex(8)
        store.uploads[id] = await request.json()
        return Response(headers={"Location": f"{request.base_url}uploads/{id}"})

    async def upload(request: Request) -> Response:
        job = store.uploads.pop(request.path_params["id"])
        return JSONResponse(_finished(job, store.load(job, await request.body())))

    async def jobs(request: Request) -> Response:
        job = await request.json()
        store.results[job["jobReference"]["jobId"]] = store.query(job["configuration"]["query"]["query"])
        return JSONResponse(_finished(job, {"query": {}}))

    async def job(request: Request) -> Response:
        return JSONResponse(store.jobs[request.path_params["id"]])

    async def results(request: Request) -> Response:
        id = request.path_params["id"]
        return JSONResponse({**store.results[id], "jobReference": store.jobs[id]["jobReference"]})

    def _finished(job: dict[str, Any], statistics: dict[str, Any]) -> dict[str, Any]:
        done = {**job, "status": {"state": "DONE"}, "statistics": statistics}
        store.jobs[job["jobReference"]["jobId"]] = done
        return done

    async def refused(_: Request, error: Exception) -> Response:
        status = getattr(error, "status", 400)
        return JSONResponse({"error": {"code": status, "message": str(error), "errors": []}}, status)

    routes = [
        Route(f"{API}/datasets", datasets, methods=["POST"]),
        Route(f"{API}/datasets/{{dataset}}/tables", tables, methods=["GET", "POST"]),
        Route(f"{API}/datasets/{{dataset}}/tables/{{table}}", table, methods=["GET", "PATCH"]),
        Route(f"{API}/jobs", jobs, methods=["POST"]),
        Route(f"{API}/jobs/{{id}}", job),
        Route(f"{API}/queries/{{id}}", results),
        Route(f"/upload{API}/jobs", begin_upload, methods=["POST"]),
        Route(f"/resumable/upload{API}/jobs", begin_upload, methods=["POST"]),
        Route("/uploads/{id}", upload, methods=["PUT"]),
    ]
    return Starlette(routes=routes, exception_handlers={Rejection: refused, duckdb.Error: refused})


@contextmanager
def running(port: int) -> Iterator[Store]:
    """Serve on loopback, and yield what is there."""
    with TemporaryDirectory(prefix="gtm-bigquery-") as folder:
        store = Store(Path(folder))
        server = uvicorn.Server(uvicorn.Config(app(store), host="127.0.0.1", port=port, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        ready = threading.Event()
        while not server.started:
            ready.wait(0.01)
        try:
            yield store
        finally:
            server.should_exit = True
            thread.join()
