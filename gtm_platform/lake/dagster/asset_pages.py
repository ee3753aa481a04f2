"""What the page of a table's asset shows: columns, figures to plot, rows to look at, a query to copy, code and policy.

Names sort into what matters most: `dagster/…`, `figure/…` (business figures), `lineage`, `preview`, `technical/…`.
Everything here follows from a contract and the lake's files; personal columns are masked, as Dagster keeps metadata.
"""

import warnings
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

import gtm_platform
from gtm_platform.http.redaction import masker
from gtm_platform.lake.catalogue import views_of
from gtm_platform.lake.contract_check import Origins, Written
from gtm_platform.lake.contracts import Contract, contract_of
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.file_query import quoted
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import settings

FIGURE, TECHNICAL = "figure", "technical"
PREVIEW_ROWS, PREVIEWED_ROWS = 5, 200  # shown, and chosen from
CELL_WIDTH = 60  # characters of a value in the preview
HIDDEN = "•••"

Metadata = dict[str, Any]


def definition_metadata(table: str, rule: Callable[..., Any] | None = None, *, policy: bool = False) -> Metadata:
    """Return what holds for a table whatever is in it; `policy`: its rule reads the business rules."""
    contract = contract_of(table)
    metadata: Metadata = {
        "dagster/column_schema": contract.column_schema,
        "dagster/table_name": table.replace("/", "."),
        "query": dg.MetadataValue.md(f"```\n{query_command(table)}\n```"),
    }
    if policy:
        metadata["policy"] = _link(_policy_file())
    if rule is not None and (references := _code_reference(rule)):
        metadata["dagster/code_references"] = references
    return metadata


def written_metadata(
    lake: Lake,
    table: str,
    partition: str,
    written: Written,
    technical: Mapping[str, Any] | None = None,
    newest: str | None = None,
) -> Metadata:
    """Return rows and figures of a partition; of the newest one also a preview and the lineage.

    The row count of a source table is that of all windows together, the newest version of each record; it is counted
    with the newest window only, and each has its own. Who writes many partitions says which is the `newest`.
    """
    is_source = contract_of(table).cadence is not None
    metadata: Metadata = {
        "dagster/partition_row_count" if is_source else "dagster/row_count": written.rows,
        **{f"{FIGURE}/{name}": _number(value) for name, value in written.figures.items() if value is not None},
        **{f"{TECHNICAL}/{name}": value for name, value in (technical or {}).items()},
    }
    if partition != (newest or max(lake.partitions(table), default=partition)):
        return metadata
    try:
        if is_source:
            metadata["dagster/row_count"] = total_rows(lake, table)
        metadata["preview"] = preview(lake, table)
    except duckdb.Error:  # of another partition: whoever reads the table names the file
        metadata[f"{TECHNICAL}/preview"] = "none: a file of the table cannot be read"
    if written.lineage:
        metadata["dagster/column_lineage"] = column_lineage(written.lineage)
        metadata["lineage"] = lineage_table(written.lineage)
    return metadata


def total_rows(lake: Lake, table: str) -> int:
    """Count the records of a source table: the newest version of each, deleted ones left out."""
    with cursor() as connection:
        count = connection.execute(f"select count(*) from ({lake.query_as_of(table, '9999').sql})").fetchone()
    return int((count or (0,))[0])


def preview(lake: Lake, table: str, rows: int = PREVIEW_ROWS) -> dg.TableMetadataValue:
    """Return rows of the newest partition, the fullest of the first; personal columns are not even read."""
    contract = contract_of(table)
    query = lake.file_query(table, lake.files(table)[-1:]).sql
    # To sort a source's whole account by its key takes as long as to read it.
    first = f"order by {quoted(contract.key)}" if contract.cadence is None else ""
    read = [name for name, column in contract.columns.items() if not column.personal]
    with cursor() as connection:
        columns, key = quoted(dict.fromkeys([*read, *contract.key])), quoted(contract.key)
        empty = " + ".join(f'("{name}" is null)::int' for name in read) or "0"
        answer = connection.execute(
            f"select {columns} from (select {columns} from ({query}) {first} limit {PREVIEWED_ROWS}) "
            f"order by {empty}, {key} limit {rows}"
        )
        names = [column[0] for column in answer.description or ()]
        records = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
    mask = masker()
    shown = [{name: _cell(contract, name, record.get(name), mask) for name in contract.columns} for record in records]
    return dg.TableMetadataValue([dg.TableRecord(record) for record in shown], _bare_schema(contract))


def query_command(table: str) -> str:
    """Return the command that shows the table as it is now."""
    view = views_of(table)[-1].replace('"', "")
    return f'gtm query "select * from {view} limit 20"'


def column_lineage(origins: Origins) -> dg.TableColumnLineage:
    """Return of which columns each is made, as Dagster has it."""
    return dg.TableColumnLineage(
        {
            column: [dg.TableColumnDep(dg.AssetKey(table.split("/")), name) for table, name in sorted(made_of)]
            for column, made_of in origins.items()
            if made_of
        }
    )


def lineage_table(origins: Origins) -> dg.TableMetadataValue:
    """Return of which columns each is made, to be read: Dagster's own server shows no graph of columns."""
    rows = [{"column": column, "made from": _sources(made_of)} for column, made_of in origins.items()]
    schema = dg.TableSchema([dg.TableColumn("column", "string"), dg.TableColumn("made from", "string")])
    return dg.TableMetadataValue([dg.TableRecord(row) for row in rows], schema)


def _sources(columns: frozenset[tuple[str, str]]) -> str:
    """Columns by their tables; those of no column are constants, or count rows."""
    tables = {table: [name for of, name in sorted(columns) if of == table] for table, _ in sorted(columns)}
    return "; ".join(f"{table}: {', '.join(names)}" for table, names in tables.items()) or "no column"


def links(**urls: str | None) -> Metadata:
    """Return links to pages of other systems, those left out that have no address."""
    return {f"link/{name}": dg.MetadataValue.url(url) for name, url in urls.items() if url}


def _number(value: Any) -> int | float:
    return value if isinstance(value, int) else round(float(value), 4)


def _cell(contract: Contract, name: str, value: Any, mask: Callable[[str], str]) -> str | int | float | bool:
    if contract.columns[name].personal:
        return HIDDEN
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return value
    text = mask(", ".join(map(str, value)) if isinstance(value, list) else str(value))
    return text if len(text) <= CELL_WIDTH else text[: CELL_WIDTH - 1] + "…"


def _bare_schema(contract: Contract) -> dg.TableSchema:
    """Names and types only: the page has the rest once already."""
    return dg.TableSchema([dg.TableColumn(name, column.type) for name, column in contract.columns.items()])


def _policy_file() -> Path:
    return settings().gtm_policy or Path(str(files("gtm_platform") / "policy/policy.toml"))


def _code_reference(rule: Callable[..., Any]) -> dg.CodeReferencesMetadataValue | None:
    """Where a rule is written: file and line, or their address where GTM_CODE_URL is set."""
    path, line = getattr(rule, "written_at", None) or _place(rule)
    if path is None:
        return None
    name, address = f"{path.name}:{line}", _address(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # Dagster may still change what a reference looks like
        reference = (
            dg.UrlCodeReference(url=f"{address}#L{line}", label=name)
            if address
            else dg.LocalFileCodeReference(file_path=str(path), line_number=line, label=name)
        )
        return dg.CodeReferencesMetadataValue(code_references=[reference])


def _place(rule: Callable[..., Any]) -> tuple[Path | None, int]:
    code = getattr(rule, "__code__", None)
    return (Path(code.co_filename), code.co_firstlineno) if code else (None, 0)


def _address(path: Path) -> str | None:
    """The address of a file of this repository; others are only known by their path."""
    root = Path(gtm_platform.__file__).parents[1]
    if settings().gtm_code_url is None or not path.is_relative_to(root):
        return None
    return f"{settings().gtm_code_url}/{path.relative_to(root).as_posix()}"


def _link(path: Path) -> dg.MetadataValue[Any]:
    address = _address(path.absolute())
    return dg.MetadataValue.url(address) if address else dg.MetadataValue.path(str(path))
