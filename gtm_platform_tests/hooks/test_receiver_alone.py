"""The receiver as a serverless function has it: no lake, no Dagster, no process that lives on."""

import asyncio
import json
import os
import re
import runpy
import subprocess
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import gtm_platform
from gtm_platform.ingest.hooks.hook import PATH
from gtm_platform.serving.hooks.app import HEALTH, Receiver
from gtm_platform.settings import settings
from gtm_platform.state.schema import hook_counts, hook_events
from gtm_platform_tests.hooks.senders import SENDERS, Sender
from gtm_platform_tests.serving.world import NOW

FUNCTION = Path(__file__).parents[2] / "docs/examples/webhook_function"
NEVER = {"dagster", "duckdb", "ibis", "pandas", "pyarrow", "numpy", "sklearn", "fastapi", "streamlit", "hubspot"}
WHERE_THERE = {"setuptools", "python-multipart", "sniffio", "pygments"}  # others import them only where they are
LOADED = """
import asyncio, sys
from gtm_platform.serving.hooks.app import app

async def answered(path):
    sent = []
    async def receive():
        return {"type": "http.request", "body": b"{}"}
    async def send(message):
        sent.append(message)
    scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""}
    await app(scope, receive, send)
    return sent[0]["status"]

print(asyncio.run(answered("/webhooks/stripe")), asyncio.run(answered("/webhooks/nobody")))
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


async def status_of(receiver: Receiver, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> int:
    """The status of the answer to a delivery."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {"type": "http", "method": "POST", "path": path, "headers": raw, "query_string": b""}
    await receiver(scope, receive, send)
    return int(sent[0]["status"])


@pytest.fixture
def receiver(switched_on: None) -> Receiver:  # noqa: ARG001
    return Receiver(lambda: NOW)


def hooks_kept(receiver: Receiver) -> list[str]:
    with receiver.state.reading() as tx:
        return list(tx.scalars(sa.select(hook_events.c.hook).order_by(hook_events.c.id)))


@pytest.mark.parametrize("sender", SENDERS, ids=lambda sender: sender.name)
def test_what_every_system_signs_is_committed_when_it_is_answered(receiver: Receiver, sender: Sender) -> None:
    body = sender.body(1, NOW)
    path = f"/webhooks/{sender.name}"
    assert asyncio.run(status_of(receiver, path, body, sender.headers(body, NOW))) == 200
    assert set(hooks_kept(receiver)) == {sender.name}
    assert asyncio.run(status_of(receiver, path, body)) == 401, "nothing says whose it is"
    assert len(hooks_kept(receiver)) == 1


def test_deliveries_at_once_are_all_committed(receiver: Receiver) -> None:
    sender = next(each for each in SENDERS if each.name == "stripe")

    async def burst() -> list[int]:
        bodies = [sender.body(number, NOW) for number in range(1, 21)]
        return await asyncio.gather(
            *(status_of(receiver, "/webhooks/stripe", body, sender.headers(body, NOW)) for body in bodies)
        )

    assert asyncio.run(burst()) == [200] * 20
    assert len(hooks_kept(receiver)) == 20
    with receiver.state.reading() as tx:
        assert tx.scalar(sa.select(sa.func.sum(hook_counts.c.count))) == 20


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/v1/summary", 404), ("/webhooks/nobody", 404)])
def test_only_webhooks_are_received(receiver: Receiver, path: str, status: int) -> None:
    assert asyncio.run(status_of(receiver, path)) == status


def test_while_there_is_no_state_senders_are_asked_to_come_again(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "no-database").write_text("this is no database, and long enough to be seen as none" * 10)
    monkeypatch.setenv("GTM_STATE_URL", f"sqlite:///{tmp_path / 'no-database'}")
    settings.cache_clear()
    assert asyncio.run(status_of(receiver, "/webhooks/stripe", b"{}")) == 503


def test_a_server_may_begin_and_end_it() -> None:
    sent: list[Any] = []
    events = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> dict[str, Any]:
        return {"type": next(events)}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    asyncio.run(Receiver()({"type": "lifespan"}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, set[str]]:
    """What a process that receives webhooks has imported."""
    home = tmp_path_factory.mktemp("function")
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "PYTHONPATH": str(Path(gtm_platform.__file__).parents[1]),
        "GTM_HOME": str(home),
        "STRIPE_WEBHOOK_SECRET": "whsec_x",
    }
    command = [sys.executable, "-W", "ignore", "-c", LOADED]
    ran = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=True)
    statuses, modules = ran.stdout.splitlines()
    return statuses, set(modules.split())


def test_it_imports_neither_dagster_nor_what_reads_the_lake(loaded: tuple[str, set[str]]) -> None:
    statuses, modules = loaded
    assert statuses == "401 404"
    assert modules & NEVER == set()


def test_the_requirements_of_the_function_are_what_it_imports(loaded: tuple[str, set[str]]) -> None:
    """Each package that is imported is listed, or comes with one that is."""
    listed = {re.split(r"[\[<>= ]", line)[0].lower() for line in lines(FUNCTION / "requirements.txt")}
    known = packages_distributions()
    imported = {normal(known[name][0]) for name in loaded[1] if name in known} - {"gtm-platform"}
    come = listed | {dependency for name in listed for dependency in dependencies(name)}
    assert imported <= come | WHERE_THERE, "imported, and not listed"
    only_postgres = {"psycopg", "cryptography"}  # for the state, and for bodies that are kept
    assert {normal(name) for name in listed} - only_postgres <= imported, "listed, and not imported"


def test_what_the_function_is_asked_for_leads_to_the_app() -> None:
    config = json.loads((FUNCTION / "vercel.json").read_text())
    [served] = config["functions"]
    assert "app" in runpy.run_path(str(FUNCTION / served))
    assert {each["destination"] for each in config["rewrites"]} == {f"/{served.removesuffix('.py')}"}
    assert {each["source"] for each in config["rewrites"]} == {f"{PATH}(.*)", HEALTH}
    assert re.findall(r"-r (\S+)", config["installCommand"]) == ["requirements.txt"]


def lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def dependencies(name: str) -> set[str]:
    """What a package brings along, at any depth; without what is optional."""
    found, unread = set[str](), [name]
    while unread:
        try:
            needed = [line for line in requires(unread.pop()) or [] if "extra ==" not in line]
        except Exception:  # not installed here: an optional driver
            continue
        new = {normal(re.split(r"[\[<>=!~; (]", line)[0]) for line in needed} - found
        found |= new
        unread += new
    return found
