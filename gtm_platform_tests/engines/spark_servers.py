"""Spark that others run: a cluster of two workers, and a server that speaks Spark Connect, on loopback."""

import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gtm_platform_tests.postgres_server import free_port

AT_MOST = 300  # seconds until a server says that it is ready
# Optimising takes longer than such small tables do; without it Java keeps less room for code than Spark writes.
WITHOUT_OPTIMISER = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC"


def _spark_home() -> Path:
    spec = importlib.util.find_spec("pyspark")
    assert spec
    assert spec.origin
    return Path(spec.origin).parent


@contextmanager
def _running(log: Path, ready: str, memory: str, command: str, *arguments: str) -> Iterator[str]:
    """Run one of Spark's programs while the context lasts; yield the line in which it says that it is ready."""
    environment = {
        **{name: os.environ[name] for name in ("PATH", "JAVA_HOME", "HOME") if name in os.environ},
        "SPARK_HOME": str(_spark_home()),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": memory,
        "JDK_JAVA_OPTIONS": WITHOUT_OPTIMISER,
    }
    with open(log, "w") as output:
        server = subprocess.Popen(
            [str(_spark_home() / "bin" / command), *arguments], stdout=output, stderr=output, env=environment
        )
    try:
        yield _line(log, ready, server)
    finally:
        server.terminate()
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _line(log: Path, ready: str, server: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + AT_MOST
    while time.monotonic() < until:
        if line := next((line for line in log.read_text().splitlines() if ready in line), None):
            return line
        assert server.poll() is None, log.read_text()[-2000:]
        time.sleep(0.1)
    raise AssertionError(f"Spark is not ready: {log.read_text()[-2000:]}")


@contextmanager
def cluster(folder: Path, **configured: str) -> Iterator[dict[str, str]]:
    """A master and two workers of one core each; yield the environment in which Spark computes on them.

    Executors find no Python: what needs one fails.
    """
    port, events = free_port(), folder / "events"
    events.mkdir(parents=True)
    defaults = {
        "spark.master": f"spark://127.0.0.1:{port}",
        "spark.executor.memory": "700m",
        "spark.driver.memory": "700m",
        "spark.pyspark.python": "/nowhere/python3",
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.adaptive.coalescePartitions.enabled": "false",  # else so few rows are one part
        "spark.scheduler.minRegisteredResourcesRatio": "1.0",
        "spark.scheduler.maxRegisteredResourcesWaitingTime": "300s",
        "spark.locality.wait": "0s",
        "spark.executor.extraJavaOptions": WITHOUT_OPTIMISER,
        "spark.eventLog.enabled": "true",
        "spark.eventLog.compress": "false",
        "spark.eventLog.dir": f"file://{events}",
        **configured,
    }
    (folder / "spark-defaults.conf").write_text("".join(f"{name} {value}\n" for name, value in defaults.items()))
    of_master = ("--host", "127.0.0.1", "--port", str(port), "--webui-port", "0")
    of_worker = ("--host", "127.0.0.1", "--cores", "1", "--memory", "1g", "--webui-port", "0")
    with ExitStack() as running:
        master = ("spark-class", "org.apache.spark.deploy.master.Master", *of_master)
        running.enter_context(_running(folder / "master.log", "New state: ALIVE", "300m", *master))
        for name in ("one", "two"):
            own = ("--work-dir", str(folder / name), f"spark://127.0.0.1:{port}")
            worker = ("spark-class", "org.apache.spark.deploy.worker.Worker", *of_worker, *own)
            registered = _running(folder / f"{name}.log", "Successfully registered with master", "300m", *worker)
            running.enter_context(registered)
        yield {"SPARK_CONF_DIR": str(folder), "JDK_JAVA_OPTIONS": WITHOUT_OPTIMISER}


@contextmanager
def connect_server(folder: Path) -> Iterator[Mapping[str, str]]:
    """A server that speaks Spark Connect; yield the environment of a client, which has no Java."""
    tools = folder / "tools"
    tools.mkdir(parents=True)
    (tools / "tail").symlink_to(shutil.which("tail") or "")  # Dagster follows its logs with it
    port = free_port()
    options = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.pyspark.python": "/nowhere/python3",
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.local.dir": str(folder / "local"),
        "spark.ui.enabled": "false",
    }
    conf = [word for name, value in options.items() for word in ("--conf", f"{name}={value}")]
    main = ("spark-submit", "--class", "org.apache.spark.sql.connect.service.SparkConnectServer")
    server = (*main, "--master", "local[2]", *conf)
    with _running(folder / "server.log", "Spark Connect server started at", "1g", *server):
        yield {"SPARK_REMOTE": f"sc://127.0.0.1:{port}", "PATH": str(tools), "JAVA_HOME": ""}
