"""Runs in containers, as an engine is asked for them by Dagster's own launcher; this engine starts nothing."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.launcher.base import LaunchRunContext, WorkerStatus
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin

from gtm_platform.orchestration.instance import launcher
from gtm_platform.settings import settings
from gtm_platform_tests.orchestration.test_liveness import some_job

pytest.importorskip("dagster_docker", reason="pip install 'gtm-platform[docker]'")

PASSWORD, KEY = "secret-word", "key-of-stripe"
ENVIRONMENT = {
    "GTM_RUN_LAUNCHER": "docker",
    "GTM_RUN_IMAGE": "gtm-platform",
    "GTM_DAGSTER_URL": f"postgresql+psycopg2://gtm:{PASSWORD}@db/dagster",
    "GTM_STATE_URL": f"postgresql+psycopg://gtm:{PASSWORD}@db/gtm",
    "STRIPE_API_KEY": KEY,
    "PATH": "/usr/bin",
}


@dataclass
class Engine:
    """What an engine was asked to make and to start, and what becomes of its containers."""

    address: str = ""
    made: list[dict[str, Any]] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    status: str = "running"

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        match method, path.split("?")[0].strip("/").split("/")[-2:]:
            case "GET", [*_, "version"]:
                return 200, {"ApiVersion": "1.47", "MinAPIVersion": "1.24", "Version": "27"}
            case "POST", ["containers", "create"]:
                self.made.append(json.loads(body))
                return 201, {"Id": f"container-{len(self.made)}", "Warnings": []}
            case "POST", [name, "start"]:
                self.started.append(name)
                return 204, None
            case "GET", [name, "json"] if self.status != "removed":
                return 200, {"Id": name, "State": {"Status": self.status, "ExitCode": 137}, "Config": {"Labels": {}}}
        return 404, {"message": f"No such container: {path}"}


@contextmanager
def serving(engine: Engine) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, answer = engine.answer(self.command, self.path, body)
            payload = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = _answer  # noqa: N815

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    engine.address = f"tcp://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    with serving(engine := Engine()):
        for name, value in {**ENVIRONMENT, "DOCKER_HOST": engine.address}.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        yield engine


@pytest.fixture
def dagster(engine: Engine, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster with the launcher that the platform writes down; its history is here."""
    assert engine.address
    (tmp_path / "dagster").mkdir()
    section = yaml.safe_load(launcher(settings()))
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster"), overrides=section) as instance:
        yield instance


def launched(dagster: dg.DagsterInstance) -> dg.DagsterRun:
    pointer = ModuleCodePointer("gtm_platform.definitions", "defs")
    origin = JobPythonOrigin("some_job", RepositoryPythonOrigin("/usr/bin/python", pointer))
    run = dagster.create_run_for_job(some_job, job_code_origin=origin)
    dagster.run_launcher.launch_run(LaunchRunContext(run, None))
    again = dagster.get_run_by_id(run.run_id)
    assert again is not None
    return again


def test_a_run_is_a_container_with_the_keys_of_who_launches_it(dagster: dg.DagsterInstance, engine: Engine) -> None:
    run = launched(dagster)
    [made] = engine.made
    assert engine.started == ["container-1"]
    assert (made["Image"], made["Labels"]["dagster/run_id"]) == ("gtm-platform", run.run_id)
    assert made["HostConfig"]["Binds"] == ["gtm_home:/gtm/home"]
    assert made["HostConfig"]["AutoRemove"] is True
    assert made["HostConfig"]["NetworkMode"] == "gtm"
    variables = dict(line.split("=", 1) for line in made["Env"])
    assert variables["STRIPE_API_KEY"] == KEY
    assert variables["GTM_STATE_URL"] == ENVIRONMENT["GTM_STATE_URL"]
    assert variables.keys().isdisjoint({"PATH", "HOME", "HOSTNAME", "DOCKER_HOST", "VIRTUAL_ENV", "PYTHONPATH"})


def test_no_key_is_in_the_command_of_a_run(dagster: dg.DagsterInstance, engine: Engine) -> None:
    """Whoever may list the processes of a machine sees it."""
    run = launched(dagster)
    [made] = engine.made
    command = " ".join(made["Cmd"])
    assert "execute_run" in command
    assert run.run_id in command
    assert PASSWORD not in command
    assert KEY not in command


@pytest.mark.parametrize(
    ("becomes", "worker"),
    [("running", WorkerStatus.RUNNING), ("exited", WorkerStatus.FAILED), ("removed", WorkerStatus.NOT_FOUND)],
)
def test_dagster_hears_of_a_container_that_died(
    dagster: dg.DagsterInstance, engine: Engine, becomes: str, worker: WorkerStatus
) -> None:
    run = launched(dagster)
    engine.status = becomes
    assert dagster.run_launcher.supports_check_run_worker_health
    assert dagster.run_launcher.check_run_worker_health(run).status == worker
