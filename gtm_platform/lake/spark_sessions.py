"""Sessions of Spark: of this machine or of a cluster, as it is configured, or of a server elsewhere (Spark Connect)."""

import atexit
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from gtm_platform.http.redaction import excerpt
from gtm_platform.lake import spill
from gtm_platform.lake.duckdb_engine import EngineFailed

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

REMOTE = "SPARK_REMOTE"  # Spark's own name: sc://host:port of a Spark Connect server
MISSING = (
    "GTM_ENGINE=spark needs pyspark and Java 17: pip install 'gtm-platform[spark]', and have java on the PATH or "
    "JAVA_HOME set. Without them leave GTM_ENGINE at duckdb."
)
MISSING_FOR_REMOTE = (
    "SPARK_REMOTE needs pyspark with what it takes to reach a server (grpcio and others): "
    "pip install 'gtm-platform[spark]'. Java is not needed here. Without them leave GTM_ENGINE at duckdb."
)
NO_ADDRESS = "SPARK_REMOTE is not an address of a Spark Connect server, as sc://host:15002 is one."
FOR_REMOTE = ("pyspark", "grpc", "grpc_status")
# Everything else is Spark's own to configure: memory, cores, a cluster (spark-defaults.conf in SPARK_CONF_DIR).
CONFIGURATION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",  # a value that does not fit is an error, as it is to DuckDB
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
}
STARTED_WITH: dict[str, bool | float | int | str | None] = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "OFF",  # what goes wrong is raised
}
PARTITIONS = "spark.sql.shuffle.partitions"
PARTITIONS_HERE = "4"  # on this machine alone: more take longer to begin than to compute
OF_PY4J = "An error occurred while calling "  # of which object of Java's; what it was stands below
CAUSE = "Caused by: "
QUOTING_LOGGER = "DataFrameQueryContextLogger"  # writes an error to stderr, with the value that it is about
JAVA_PACKAGE = re.compile(r"^(?:[a-z]\w*\.)+(?=[A-Z]\w*(?::|$))")
QUOTED = re.compile(r"""(?<!\w)'(?:[^'\\]|\\.)*(?:'|$)|"[^"]*(?:"|$)""")  # a text's own quotes are escaped
TRIES = 5  # to reach a server before anything was asked of it: some 20 seconds


def require() -> None:
    """Raise a sentence where Spark cannot be had."""
    if REMOTE in os.environ:
        if not all(map(find_spec, FOR_REMOTE)):
            raise EngineFailed(MISSING_FOR_REMOTE)
    elif find_spec("pyspark") is None or not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        raise EngineFailed(MISSING)


@contextmanager
def session() -> Iterator["SparkSession"]:
    """Open a session that computes as DuckDB does; what Spark says of a failure is one sentence."""
    require()
    is_remote = REMOTE in os.environ  # as Spark reads it
    with failing_in_a_sentence():
        spark = _connected() if is_remote else started().newSession()
        try:
            for name, value in CONFIGURATION.items():
                spark.conf.set(name, value)
            if not is_remote and _is_this_machine(spark):
                spark.conf.set(PARTITIONS, spark.sparkContext.getConf().get(PARTITIONS, PARTITIONS_HERE))
            yield spark
        finally:
            if is_remote:
                spark.stop()


def _connected() -> "SparkSession":
    """Open a session on the server of SPARK_REMOTE, which is not waited for as long as one that breaks off later."""
    from pyspark.errors import PySparkException, PySparkImportError
    from pyspark.sql import SparkSession

    address = os.environ[REMOTE]
    if not address.startswith("sc://"):
        raise EngineFailed(NO_ADDRESS)
    try:
        from pyspark.sql.connect.client.retries import DefaultPolicy

        spark: Any = SparkSession.builder.remote(address).create()
    except PySparkImportError as error:
        raise EngineFailed(MISSING_FOR_REMOTE) from error
    except PySparkException:
        raise EngineFailed(NO_ADDRESS) from None  # which may repeat a token
    patience = spark.client.get_retry_policies()
    try:
        spark.client.set_retry_policies([DefaultPolicy(max_retries=TRIES)])
        spark.conf.get(PARTITIONS)
    except PySparkException as error:
        spark.release_session_on_close = False  # there is nobody to tell
        spark.stop()
        raise EngineFailed(
            f"No Spark Connect server answers at {_place(address)} (SPARK_REMOTE): {sentence_of(error)}"
        ) from None
    spark.client.set_retry_policies(patience)
    connected: SparkSession = spark  # what stands for one; only it has a client
    return connected


def _place(address: str) -> str:
    """An address without what stands after the host: a token may."""
    return address.partition(";")[0].rstrip("/")


def _is_this_machine(spark: "SparkSession") -> bool:
    return str(spark.sparkContext.master).startswith("local")


@cache
def started() -> "SparkSession":
    """Start Spark once in a process, or what of it drives a cluster."""
    from pyspark.errors import PySparkRuntimeError
    from pyspark.sql import SparkSession

    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")  # nobody else reaches the driver, unless configured
    ours = str(spill.folder())
    folders: dict[str, bool | float | int | str | None] = {"spark.local.dir": ours, "spark.sql.warehouse.dir": ours}
    try:
        spark = SparkSession.builder.appName("gtm").config(map=STARTED_WITH | folders).getOrCreate()
    except PySparkRuntimeError as error:
        raise EngineFailed(MISSING) from error
    atexit.register(spark.stop)
    return spark


@contextmanager
def failing_in_a_sentence() -> Iterator[None]:
    """Raise what Spark says of a failure in one sentence.

    Its stacks, which quote rows, stay in Spark's own logs: whoever stores an error stores what it came from, too.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.logger import PySparkLogger

    PySparkLogger.getLogger(QUOTING_LOGGER).disabled = True
    try:
        yield
    except (PySparkException, Py4JError) as error:
        raise EngineFailed(f"Spark failed: {sentence_of(error)}") from None


def sentence_of(error: Exception) -> str:
    """Return the first line of what Spark says and of its cause, without the values that they quote."""
    lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith("\t")]
    if len(lines) > 1 and lines[0].startswith(OF_PY4J):
        lines = [lines[1].removeprefix(": "), *lines[2:]]
    causes = [line.removeprefix(CAUSE) for line in lines[1:] if line.startswith(CAUSE)]
    sentences = dict.fromkeys(map(_line, (*lines[:1], *causes[-1:])))
    return ", because of ".join(filter(None, sentences)) or type(error).__name__


def _line(text: str) -> str:
    return excerpt(QUOTED.sub("'***'", JAVA_PACKAGE.sub("", text)))
