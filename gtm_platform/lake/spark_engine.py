"""Spark, for the daily tables where one machine is outgrown: the same expressions over the same files.

Its executors write the parts of a day themselves, and check them by the contract: of the rows none passes through this
process, which asks for counts and gives what was found right its name.
"""

import secrets
import shutil
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.operations as ops
import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot

from gtm_platform.keyring import writing_key
from gtm_platform.lake import spark_sessions, spill
from gtm_platform.lake.contract_check import Written, judged
from gtm_platform.lake.contracts import Contract
from gtm_platform.lake.duckdb_engine import EngineFailed, paths_of, queries_in
from gtm_platform.lake.encrypted_files import key_of
from gtm_platform.lake.file_query import FileQuery
from gtm_platform.lake.lake import ROW_GROUP_SIZE, Lake
from gtm_platform.lake.spark_functions import from_duckdb, inlined
from gtm_platform.lake.store import is_here

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

PARQUET = {"compression": "zstd", "parquet.block.row.count.limit": str(ROW_GROUP_SIZE)}


def written(lake: Lake, table: str, day: str, expression: ibis.Table, *, unless_same: bool = False) -> Written:
    """Let Spark compute a day, write it and check it; `unless_same` leaves a file that has the same rows."""
    _refuse_bucket()
    _refuse_encryption(expression)
    spark_sessions.require()
    aside = spill.folder() / f"spark-{secrets.token_hex(8)}"
    try:
        with spark_sessions.session() as spark:
            return lake.write_parts(table, day, _Executors(spark, expression, aside), unless_same=unless_same)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@dataclass
class _Executors:
    """What writes a day in parts: the executors of a session, each its own."""

    spark: "SparkSession"
    expression: ibis.Table
    aside: Path

    def write(self, folder: Path) -> list[Path]:
        """Let them compute and write, and leave in the folder what they finished."""
        answer = _answer(self.spark, self.expression, self.aside)
        typed = answer.select(*(answer[field.name].cast(field.dataType) for field in _schema(self.expression.schema())))
        finished = _write(typed, folder, **PARQUET)
        for left in set(folder.iterdir()) - set(finished):  # notes of Spark, checksums, attempts that were given up
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
        return finished

    def check(self, subject: str, contract: Contract, paths: Sequence[Path]) -> Written:
        """Let them measure the parts."""
        return _measured(self.spark, subject, contract, paths)

    def has_same_rows(self, contract: Contract, paths: Sequence[Path], stored: Sequence[Path]) -> bool:
        """Let them compare the parts with what is stored."""
        with spark_sessions.failing_in_a_sentence():
            if set(self.spark.read.parquet(*map(_place, stored)).columns) != set(contract.columns):
                return False
            return _digest(self.spark, contract, paths) == _digest(self.spark, contract, stored)


def _write(rows: "DataFrame", folder: Path, **options: str) -> list[Path]:
    """Let the executors write rows into a folder; return its files, in which is all that they wrote.

    What a worker wrote to a disk of its own is nowhere here, and would be missing from the table without a word.
    """
    from pyspark.sql import Observation
    from pyspark.sql.functions import count, lit

    counted = Observation()
    rows.observe(counted, count(lit(1)).alias("rows")).write.options(**options).parquet(_place(folder))
    files = sorted(folder.glob("part-*.parquet"))
    written, here = counted.get["rows"], sum(map(_rows_in, files))
    if not files or here != written:
        raise EngineFailed(
            f"Spark's workers wrote {written} rows, of which {here} are in {folder}: they must see {folder.parent}, "
            f"and all of the home, under this path."
        )
    return files


def _rows_in(file: Path) -> int:
    """Return how many rows a file says that it has, at its end; none where the end is not here."""
    with suppress(OSError, pa.ArrowInvalid):
        return int(pq.read_metadata(file).num_rows)
    return 0


def _measured(spark: "SparkSession", subject: str, contract: Contract, paths: Sequence[Path]) -> Written:
    """Take the measures of the contract, and count the keys that differ."""
    _rows_of(spark, contract.schema, paths).createOrReplaceTempView("written")
    table = ibis.table(contract.schema, name="written")
    measures = _one_row(spark, ibis.to_sql(table.aggregate(**contract.measures(table)), dialect="pyspark"))
    key = ", ".join(f"`{name}`" for name in contract.key)
    different = _one_row(spark, f"select count(*) as n from (select distinct {key} from written)")["n"]
    return judged(subject, contract, measures | {"broken: duplicate keys": measures["rows"] - different})


def _digest(spark: "SparkSession", contract: Contract, paths: Sequence[Path]) -> dict[str, Any]:
    """The count of rows, and two sums over what they hash to, each as a text that says which columns are null."""
    _rows_of(spark, contract.schema, paths).createOrReplaceTempView("compared")
    whole = "map('ignoreNullFields', 'false', 'timestampFormat', 'yyyy-MM-dd HH:mm:ss.SSSSSS')"
    hashed = f"select xxhash64(to_json(struct(*), {whole})) as hashed from compared"
    sums = "count(*) as n, bit_xor(hashed) as mixed, sum(cast(hashed as decimal(38, 0))) as total"
    return _one_row(spark, f"select {sums} from ({hashed})")


def _one_row(spark: "SparkSession", query: str) -> dict[str, Any]:
    [row] = spark.sql(query).toArrow().to_pylist()
    return dict(row)


def _rows_of(spark: "SparkSession", schema: ibis.Schema, paths: Sequence[Path]) -> "DataFrame":
    """Return the rows of files; none where there is no file."""
    if not paths:
        nothing = ", ".join(
            f"cast(null as {field.dataType.simpleString()}) as `{field.name}`" for field in _schema(schema)
        )
        return spark.sql(f"select {nothing} where false")
    return spark.read.schema(_schema(schema)).parquet(*map(_place, paths))


def _schema(schema: ibis.Schema) -> "StructType":
    from ibis.backends.pyspark.datatypes import PySparkSchema

    typed: StructType = PySparkSchema.from_ibis(schema)
    return typed


def _place(path: Path) -> str:
    """A path as every worker reads it, whatever file system is the cluster's own."""
    return f"file://{path.absolute()}"


def _answer(spark: "SparkSession", expression: ibis.Table, aside: Path) -> "DataFrame":
    """Compute an expression, every step that is used several times once.

    Spark computes a named step of a query again wherever it is used, and what that is made of as often again. So each
    such step is written down first. Of what is only cached or checkpointed Spark remembers what it guessed of its size,
    and multiplies such guesses from join to join until they take longer than the joins.
    """
    from ibis.backends.sql.compilers.pyspark import compiler

    ibis.pyspark  # noqa: B018  named once, the backend brings the options that its compiler asks for
    for name, file_query in queries_in(expression).items():
        _make_view(spark, name, file_query)
    query = inlined(compiler.to_sqlglot(translated(expression)))
    uses = Counter(table.name for table in query.find_all(sqlglot.exp.Table))
    for step in query.ctes:
        rows = spark.sql(step.this.sql("spark"))
        if uses[step.alias] > 1:
            files = _write(rows, aside / step.alias)
            rows = spark.read.schema(rows.schema).parquet(*map(_place, files))
        rows.createOrReplaceTempView(step.alias)
    query.set("with_", None)
    return spark.sql(query.sql("spark"))


def translated(expression: ibis.Table) -> ibis.Table:
    """Return an expression with its queries in SQL, which are DuckDB's, in Spark's."""
    queries = {node: node.copy(query=from_duckdb(node.query)) for node in expression.op().find(ops.SQLQueryResult)}
    return expression.op().replace(queries).to_expr() if queries else expression


def _make_view(spark: "SparkSession", name: str, query: FileQuery) -> None:
    """Make a view of that name of a file query."""
    for part, paths in (("rows", query.paths), ("base", query.base)):
        _rows_of(spark, query.schema, list(map(Path, paths))).createOrReplaceTempView(f"{part}_of_{name}")
    template = query.template.format(rows=f"rows_of_{name}", base=f"base_of_{name}")
    spark.sql(from_duckdb(template)).createOrReplaceTempView(name)


def _refuse_encryption(expression: ibis.Table) -> None:
    """Spark reads no file that DuckDB encrypted, and what it writes would be plain."""
    if writing_key() or any(map(key_of, paths_of(expression))):
        raise EngineFailed(
            "GTM_ENGINE=spark cannot be used with an encrypted lake: Spark does not read its files, and would write "
            "plain ones. Leave GTM_ENGINE at duckdb, or end encryption (docs/encryption.md)."
        )


def _refuse_bucket() -> None:
    """What executors write lies in a folder that all of them see; a bucket's copies are this machine's alone."""
    if not is_here():
        raise EngineFailed(
            "GTM_ENGINE=spark cannot be used with a lake in a bucket (GTM_LAKE): its workers read and write a folder "
            "that all of them see. Leave GTM_ENGINE at duckdb, or have the lake in the home on a shared disk."
        )
