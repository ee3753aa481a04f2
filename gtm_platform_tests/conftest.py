"""What holds for every test: an empty environment, a home of its own, and no way out but loopback."""

import atexit
import gc
import ipaddress
import os
import re
import socket
import sqlite3
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from types import SimpleNamespace
from typing import Any

import httpx
import hypothesis
import pytest
import sqlalchemy as sa
from httpx._transports import default as httpx_transport
from ibis.backends.duckdb import Backend
from xdist.scheduler import LoadFileScheduling

from gtm_platform.lake import duckdb_engine
from gtm_platform.lake.contracts import TABLES
from gtm_platform.lake.dagster import run_scope
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration import liveness
from gtm_platform.policy import policy
from gtm_platform.settings import settings
from gtm_platform.state import store
from gtm_platform_tests import first_files

# It has every variable of the platform and of the systems; a test holds it against what the code reads.
EXAMPLE = Path(__file__).parents[1] / ".env.example"
FIRST_DAY = "2026-01-01"
SHARED_HOMES = ("e2e", "serving", "dashboard", "reports")  # folders whose tests share a home that is dear to make
OF_SHARED_HOME = re.compile(r"\b(lived|at_home|copied): Lived\b")  # what tests of `e2e` declare that use theirs
# Processes take files in this order, the rest by name: what takes long comes first, or it is waited for at the end.
LONGEST = (
    "e2e/test_again.py",
    "faults/test_canary.py",
    "dashboard/test_in_a_browser.py",
    "faults/test_storm.py",
    "sources/test_contract.py",
    "e2e/test_alerts.py",
    "faults/test_scheduler.py",
    "faults/test_scheduler_backfill.py",
    "delivery/test_hubspot_killed.py",
    "core/test_daily_tables.py",
    "e2e/test_due_days.py",
    "cli/test_sandbox.py",
    "e2e/test_landed.py",
    "faults/test_source_outage.py",
)
CACHE = Path(__file__).parents[1] / ".pytest_cache" / "gtm"  # queries are compiled once for all tests
# Properties are tried at whatever pace a busy machine has.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")
VARIABLES = re.findall(r"^#?([A-Z][A-Z0-9_]+)=", EXAMPLE.read_text(), re.MULTILINE)
VARIABLES.remove("GTM_CACHE")  # who takes all away keeps it, or compiles every query by itself


class HomesOnce(LoadFileScheduling):
    """Give each process a file of tests, or all files of a folder that share a home."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        _, folder, *_ = nodeid.split("/")
        return folder if folder in SHARED_HOMES and (folder != "e2e" or _uses_shared_home(file)) else file


@cache
def _uses_shared_home(file: str) -> bool:
    return OF_SHARED_HOME.search((Path(__file__).parents[1] / file).read_text()) is not None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {Path(__file__).parent / name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


def pytest_collection_finish() -> None:
    """Take what was imported out of the sight of the garbage collector, as the platform's own processes do."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return HomesOnce(config, log)


@pytest.fixture(autouse=True)
def _empty_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("GTM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GTM_FIRST_DAY", FIRST_DAY)
    monkeypatch.setenv("GTM_CACHE", str(CACHE))
    monkeypatch.setenv("DAGSTER_DISABLE_TELEMETRY", "1")
    settings.cache_clear()
    policy.cache_clear()
    yield
    settings.cache_clear()
    policy.cache_clear()


@pytest.fixture(autouse=True)
def _tables_of_a_test_go_with_it() -> Iterator[None]:
    before = dict(TABLES)
    yield
    TABLES.clear()
    TABLES.update(before)


@pytest.fixture(autouse=True)
def _an_empty_home_begins_with_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_scope, "catalogue", SimpleNamespace(renew=first_files.renew))
    monkeypatch.setattr(store, "_bring_up", first_files.bring_up)


@pytest.fixture(autouse=True)
def _runs_end_with_their_test() -> Iterator[None]:
    """A process says of its last run that it lives until it ends; a test ends before."""
    yield
    liveness._runs.clear()


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = address[0]
            if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
                raise AssertionError(f"a test reached for {host}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake of the test's own."""
    return Lake(tmp_path / "lake")


@sa.event.listens_for(sa.Engine, "connect")
def _commit_without_waiting_for_the_disk(connection: Any, _: Any) -> None:
    """No test ends with the power cut; those that kill a process do so to one of their own, without this."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("pragma synchronous=off")


os.fsync = lambda _handle: None  # for the same reason
# No test speaks TLS; to read the certificates for each of their thousands of clients takes 17 ms each time.
httpx_transport.create_ssl_context = cache(httpx.create_ssl_context)

_start_engine = duckdb_engine._start


def _start_engine_of_one_thread() -> Backend:
    """Tests share the processors already, and tables are tiny: threads would only wait for each other."""
    backend = _start_engine()
    backend.raw_sql("set threads = 1")
    return backend


duckdb_engine._start = _start_engine_of_one_thread
# Nothing is read from a developer's own home at import; what fixtures of modules write goes with the process. And every
# test knows the same days.
if "GTM_HOME" not in os.environ:
    os.environ["GTM_HOME"] = mkdtemp(prefix="gtm-tests-")
    atexit.register(rmtree, os.environ["GTM_HOME"], ignore_errors=True)
os.environ["GTM_FIRST_DAY"] = FIRST_DAY
os.environ["GTM_CACHE"] = str(CACHE)
