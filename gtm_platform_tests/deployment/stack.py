"""compose.yaml of docs/examples with the built image, a sandbox in place of accounts, and the engine's own view of it.

It takes the names that the examples give, network `gtm` and volume `gtm_home`, and is refused where somebody has these.
"""

import io
import json
import os
import shutil
import subprocess
import tarfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
IMAGE = "gtm-platform"  # as the examples name it
NETWORK, HOME_VOLUME = "gtm", "gtm_home"
POSTGRES = "gtm-test-postgres"
PROJECT = "gtm-test"
PASSWORD = "chosen-for-a-test"
SOCKET = "/var/run/docker.sock"
PATIENCE = 900  # seconds after which something hangs
PORTS = {"webserver": 3000, "api": 8000, "dashboard": 8501}
KEYS = ("GTM_SANDBOX_SPEED", "HUBSPOT_", "STRIPE_")  # of what the sandbox offers
KEYS_OF_SANDBOX = "import urllib.request as web; print(web.urlopen('http://sandbox:8787/_sandbox/env').read().decode())"


def engine() -> Any:
    """A client of the engine of DOCKER_HOST, else of this machine's; the test is skipped where it cannot be asked."""
    docker = pytest.importorskip("docker", reason="pip install 'gtm-platform[docker]'")
    if shutil.which("docker-compose") is None:
        pytest.skip("docker-compose is not installed: pip install 'gtm-platform[deployment]'")
    try:
        client = docker.from_env(timeout=180)
        client.ping()
    except docker.errors.DockerException as error:
        pytest.skip(f"no engine answers: {error}")
    if not client.images.list(name=IMAGE):
        pytest.skip(f"there is no image {IMAGE}: make image")
    if client.networks.list(names=[f"^{NETWORK}$"]) or HOME_VOLUME in {each.name for each in client.volumes.list()}:
        pytest.skip(f"the network {NETWORK} or the volume {HOME_VOLUME} of this engine is somebody's own")
    return client


@dataclass
class Stack:
    """The services of compose.yaml, of which none runs at first."""

    client: Any
    folder: Path

    def compose(self, *words: str) -> str:
        """Give docker-compose a command, and return what it and its containers print."""
        files = [EXAMPLES / "compose.yaml", EXAMPLES / "compose.docker-runs.yaml", self.folder / "test.yaml"]
        named = [word for file in files for word in ("--file", str(file))]
        command = ["docker-compose", "--project-name", PROJECT, *named, *words]
        variables = {"POSTGRES_PASSWORD": PASSWORD, "DOCKER_GROUP": str(_socket().stat().st_gid)}
        ran = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, f"{' '.join(words)} ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}"
        return ran.stdout + ran.stderr

    def get(self, service: str, path: str) -> bytes:
        """Ask a service, from outside of its container."""
        port = self.compose("port", service, str(PORTS[service])).strip()
        with urllib.request.urlopen(f"http://{port}{path}", timeout=60) as answer:
            return bytes(answer.read())

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Ask Dagster's webserver in GraphQL."""
        port = self.compose("port", "webserver", str(PORTS["webserver"])).strip()
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"http://{port}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            answered: dict[str, Any] = json.load(answer)["data"]
        return answered

    def of_run(self, run_id: str) -> list[Any]:
        """The containers in which a run works."""
        listed: list[Any] = self.client.containers.list(filters={"label": f"dagster/run_id={run_id}"})
        return listed

    def sql(self, database: str, statement: str) -> list[str]:
        """The rows of a query of the state, or of Dagster's history."""
        words = ["exec", "-T", "postgres", "psql", "-U", "gtm", "-d", database, "-tAc", statement]
        return [line for line in self.compose(*words).splitlines() if line]

    def python(self, code: str) -> str:
        """What a piece of Python prints in the container of the code server."""
        return self.compose("exec", "-T", "code", "python", "-W", "ignore", "-c", code)

    def environment(self) -> dict[str, str]:
        """The variables of a container of the platform beside these services."""
        services = yaml.safe_load((EXAMPLES / "compose.yaml").read_text())["services"]
        own = {
            name: value.replace("${POSTGRES_PASSWORD:?choose one}", PASSWORD)
            for name, value in services["code"]["environment"].items()
        }
        return own | dict(line.split("=", 1) for line in (self.folder / "env").read_text().splitlines())

    @contextmanager
    def container(
        self,
        command: Sequence[str],
        folders: Mapping[str, Mapping[str, str]] | None = None,
        **options: Any,
    ) -> Iterator[Any]:
        """A container of the image with as few rights as the manifests give, with folders of the image's user."""
        container = self.client.containers.create(
            IMAGE,
            list(command),
            network=NETWORK,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            **{"environment": self.environment(), "volumes": [f"{HOME_VOLUME}:/gtm/home"]} | options,
        )
        try:
            container.put_archive("/", _archive(folders or {}))
            container.start()
            yield container
        finally:
            container.remove(force=True)


def until(done: Callable[[], Any], what: str, log: Callable[[], object] = lambda: "") -> Any:
    """Wait for something, and return it; where it never comes, say for what."""
    end = time.monotonic() + PATIENCE
    while not (came := done()):
        assert time.monotonic() < end, f"{what} never came: {log()}"
        time.sleep(0.5)
    return came


@contextmanager
def running(folder: Path) -> Iterator[Stack]:
    """The sandbox and Postgres, and a stack of which the rest may be started; all is gone afterwards."""
    stack = Stack(engine(), folder)
    _postgres(stack.client)
    (folder / "env").touch()
    (folder / "test.yaml").write_text(overrides(folder))
    try:
        stack.compose("up", "--detach", "--no-build", "--wait", "postgres", "sandbox")
        (folder / "env").write_text(_keys(stack))
        yield stack
    finally:
        for left in stack.client.containers.list(all=True, filters={"network": NETWORK}):
            if PROJECT not in left.name:
                left.remove(force=True)
        stack.compose("--profile", "cron", "down", "--volumes", "--timeout", "5")


class Instead(list[str]):
    """What takes the place of a list of the examples; Compose would append it."""


yaml.SafeDumper.add_representer(Instead, lambda dumper, words: dumper.represent_sequence("!override", words))


def overrides(folder: Path) -> str:
    """What a test has otherwise than the examples: keys, free ports, a Postgres that needs no registry, a sandbox."""
    examples = yaml.safe_load((EXAMPLES / "compose.yaml").read_text())["services"]
    services: dict[str, dict[str, Any]] = {
        name: {"env_file": Instead([str(folder / "env")]), "pull_policy": "never"} for name in examples
    }
    for name, port in PORTS.items():
        services[name]["ports"] = Instead([f"127.0.0.1::{port}"])
    for name in ("daemon", "webserver"):
        services[name]["volumes"] = [f"{_socket()}:{SOCKET}"]
    answers = "import urllib.request as web; web.urlopen('http://127.0.0.1:8787/_sandbox/health')"
    services["sandbox"] = {
        "image": IMAGE,
        "pull_policy": "never",
        "command": "gtm sandbox serve --host 0.0.0.0 --port 8787 --people 40 --speed 100",
        "healthcheck": {"test": ["CMD", "python", "-c", answers], "interval": "2s", "timeout": "20s", "retries": 120},
    }
    services["postgres"] = {"image": POSTGRES, "pull_policy": "never"}
    return yaml.safe_dump({"services": services})


def _keys(stack: Stack) -> str:
    printed = stack.compose("exec", "-T", "sandbox", "python", "-c", KEYS_OF_SANDBOX)
    keys = {name: value for name, value in json.loads(printed).items() if name.startswith(KEYS)}
    keys["GTM_FIRST_DAY"] = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()  # of which every window is over
    return "".join(f"{name}={value}\n" for name, value in keys.items())


def _postgres(client: Any) -> None:
    client.images.build(
        path=str(Path(__file__).with_name("postgres")), tag=POSTGRES, buildargs={"IMAGE": IMAGE}, rm=True
    )


def _socket() -> Path:
    address = urlsplit(os.environ.get("DOCKER_HOST", f"unix://{SOCKET}"))
    if address.scheme != "unix":
        pytest.skip("the engine of DOCKER_HOST is on another machine: its socket cannot be given to a container")
    return Path(address.path)


def _archive(folders: Mapping[str, Mapping[str, str]]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for folder, files in folders.items():
            entries = [(folder, None), *((f"{folder}/{name}", text.encode()) for name, text in files.items())]
            for path, content in entries:
                entry = tarfile.TarInfo(path.lstrip("/"))
                entry.uid = entry.gid = 10001
                entry.type, entry.mode = (tarfile.DIRTYPE, 0o755) if content is None else (tarfile.REGTYPE, 0o644)
                entry.size = len(content or b"")
                archive.addfile(entry, io.BytesIO(content or b""))
    return packed.getvalue()
