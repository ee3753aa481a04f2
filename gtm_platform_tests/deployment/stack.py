"""compose.yaml of docs/examples with the built image, a sandbox in place of accounts, and the engine's own view of it.

It takes the names that the examples give, network `gtm` and volume `gtm_home`, and is refused where somebody has these.
"""

import io
import json
import os
import shlex
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
SHOWN = 60  # lines of a container's log, where a test fails
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

    def get(self, service: str, path: str, token: str = "") -> bytes:
        """Ask a service, from outside of its container."""
        port = self.compose("port", service, str(PORTS[service])).strip()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with urllib.request.urlopen(
            urllib.request.Request(f"http://{port}{path}", None, headers), timeout=60
        ) as answer:
            return bytes(answer.read())

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Ask Dagster's webserver in GraphQL."""
        port = self.compose("port", "webserver", str(PORTS["webserver"])).strip()
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"http://{port}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            answered: dict[str, Any] = json.load(answer)["data"]
        return answered

    def logs(self) -> str:
        """The end of what each container wrote that is still there."""
        left = self.client.containers.list(all=True, filters={"network": NETWORK})
        return "\n".join(log_of(each) for each in left)

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

    def build(self, name: str) -> None:
        """Make an image of a folder beside this file, out of the platform's."""
        folder = Path(__file__).with_name(name.removeprefix("gtm-test-"))
        self.client.images.build(path=str(folder), tag=name, buildargs={"IMAGE": IMAGE}, rm=True)

    @contextmanager
    def container(
        self,
        command: Sequence[str],
        folders: Mapping[str, Mapping[str, str]] | None = None,
        image: str = IMAGE,
        **options: Any,
    ) -> Iterator[Any]:
        """A container of an image with as few rights as the manifests give, with folders of the image's user."""
        container = self.client.containers.create(
            image,
            list(command),
            network=NETWORK,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            **{"environment": self.environment(), "volumes": [f"{HOME_VOLUME}:/gtm/home"]} | options,
        )
        try:
            if folders:
                container.put_archive("/", _archive(folders))
            container.start()
            yield container
        except BaseException as error:
            error.add_note(log_of(container))  # it is gone when the failure is shown
            raise
        finally:
            container.remove(force=True, v=True)  # with the volumes that have no name


def log_of(container: Any) -> str:
    """How a container is, and the end of what it wrote."""
    container.reload()
    state = container.attrs["State"]
    head = f"--- {container.name}: {state['Status']}, code {state['ExitCode']}, {shlex.join(container.attrs['Args'])}"
    return f"{head}\n{container.logs(tail=SHOWN).decode(errors='replace')}"


def ends_well(container: Any) -> None:
    """Wait until a container has ended, as it should."""
    ended = container.wait(timeout=PATIENCE)
    assert ended["StatusCode"] == 0, container.logs().decode()


def until(done: Callable[[], Any], what: str) -> Any:
    """Wait for something, and return it; where it never comes, say for what."""
    end = time.monotonic() + PATIENCE
    while not (came := done()):
        assert time.monotonic() < end, f"{what} never came"
        time.sleep(0.5)
    return came


started: list[Stack] = []  # what runs now, of which conftest shows the logs where a test fails


@contextmanager
def running(folder: Path) -> Iterator[Stack]:
    """The sandbox and Postgres, and a stack of which the rest may be started; all is gone afterwards."""
    stack = Stack(engine(), folder)
    stack.build(POSTGRES)
    (folder / "env").touch()
    (folder / "test.yaml").write_text(overrides(folder))
    try:
        stack.compose("up", "--detach", "--no-build", "--wait", "postgres", "sandbox")
        (folder / "env").write_text(_keys(stack))
        started.append(stack)
        yield stack
    except BaseException as error:
        error.add_note(stack.logs())
        raise
    finally:
        started.clear()
        for left in stack.client.containers.list(all=True, filters={"network": NETWORK}):
            if PROJECT not in left.name:
                left.remove(force=True, v=True)
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
