"""Everything fails that can, with keys and people that are easily recognised; then all that was written is searched for
them: Dagster's events and compute logs, the state, the lake, the sandbox, what was printed."""

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from gtm_platform.sandbox.limits import Limit
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.sandbox.world import World
from gtm_platform_tests.e2e.home import REPOSITORY, Control, midnight
from gtm_platform_tests.faults.traces import found, texts

PEOPLE, SEED, DAY = 60, 29, date(2026, 3, 1)
CANARIES = {  # in the shapes of real ones; put together here, so that nobody takes them for such
    "HUBSPOT_ACCESS_TOKEN": "pat-na1-" + "c4na7y00-0b57-4c0d-9e11-c0ffee5ec2e7",
    "STRIPE_API_KEY": "rk_" + "live_" + "51Canary" * 5,
    "INTERCOM_ACCESS_TOKEN": base64.b64encode(b"tok:canary_of_intercom_0123456789:1:0").decode(),
    "SLACK_BOT_TOKEN": "xoxb" + "-1234567890-0987654321-CanaryCanary",
    "CANARY_PASSWORD": "c4nary-p4ssw0rd",
}
SHORTEST = 6  # of what is looked for; a shorter one would be found by accident


class Echo(BaseHTTPRequestHandler):
    """Answers with the status in the path, and repeats all it was sent, in its headers and in its body."""

    def do_GET(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        body = json.dumps({"message": f"You sent {dict(self.headers)} and {sent}"}).encode()
        status = int(self.path.split("/")[1])
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "X-Echo": self.headers["Authorization"]}.items():
            self.send_header(name, value)
        if status == 302:
            self.send_header("Location", f"/elsewhere?key={self.headers['Authorization'].split()[-1]}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PATCH = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Nowhere."""


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@dataclass(frozen=True)
class Troubled:
    """The home of a process in which everything failed, and its runs by trouble: which succeeded."""

    home: Path
    told: dict[str, dict[str, bool]]
    people: frozenset[str]


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory, echo: str) -> Iterator[Troubled]:
    home, told = tmp_path_factory.mktemp("troubled"), tmp_path_factory.mktemp("told") / "runs.json"
    with pytest.MonkeyPatch.context() as patch:
        _take_the_canaries(patch)
        with running(PEOPLE, SEED, midnight(DAY), home) as box:
            person = spoil(box)
            Control(box.url).set_clock(midnight(DAY) + timedelta(days=1))
            process = _in_trouble(home, box, echo, json.dumps(person), str(told))
            assert process.returncode == 0, process.stderr[-3000:]
            (home / "printed.txt").write_text(process.stdout + process.stderr)
            yield Troubled(home, json.loads(told.read_text()), people(box.world))


def _take_the_canaries(patch: pytest.MonkeyPatch) -> None:
    for system in ("hubspot", "stripe", "intercom", "slack"):
        key = next(key for name, key in CANARIES.items() if name.startswith(system.upper()))
        patch.setattr(f"gtm_platform.sandbox.{system}.gate.TOKEN", key)
    patch.setattr(Limit, "take", lambda _: True)


def _in_trouble(home: Path, box: Sandbox, *arguments: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    now = midnight(DAY) + timedelta(days=1)
    told = {"GTM_HOME": str(home), "DAGSTER_HOME": str(home / "dagster"), "GTM_NOW": now.isoformat()}
    return subprocess.run(
        [sys.executable, "-m", "gtm_platform_tests.faults.trouble", *arguments],
        cwd=home,
        env={**inherited, **box.env, **told, **CANARIES, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def spoil(box: Sandbox) -> dict[str, str]:
    """A contact that can never be read, and who it is."""
    contacts = box.world.hubspot.objects["contacts"].values()
    one = next(contact for contact in contacts if contact.properties.get("email"))
    one.properties["hs_email_optout"] = "perhaps"
    return {"email": one.properties["email"], "name": full_name(one.properties)}


def full_name(properties: dict[str, str]) -> str:
    return f"{properties.get('firstname', '')} {properties.get('lastname', '')}".strip()


def people(world: World) -> frozenset[str]:
    """Addresses, full names, telephone numbers, and what was written in conversations."""
    contacts = [one.properties for one in world.hubspot.objects["contacts"].values()]
    known = [value for one in contacts for value in (one.get("email"), one.get("phone"))]
    known += [name for one in contacts if " " in (name := full_name(one))]
    for user in world.intercom.contacts.values():
        known += [user.email, user.phone]
    for conversation in world.intercom.conversations.values():
        known += [part.body for part in conversation.parts]
    return frozenset(value for value in known if value and len(value) >= SHORTEST)


def forms(secret: str) -> set[str]:
    bearer = base64.b64encode(f"Bearer {secret}".encode()).decode().rstrip("=")
    return {secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode().rstrip("="), bearer}


def variants(secret: str) -> set[str]:
    """The key, what `trouble` makes of it, and the longer piece of one that is broken."""
    return {secret, secret.swapcase(), secret[12:]} if len(secret) > 24 else {secret}


SECRETS = {form for secret in CANARIES.values() for variant in variants(secret) for form in forms(variant)}


def test_all_of_it_went_wrong_where_it_should(troubled: Troubled) -> None:
    assert all(troubled.told["none"].values())
    troubles = {trouble: ran for trouble, ran in troubled.told.items() if trouble != "none"}
    assert len(troubles) > 15
    # A delivery that has nothing to ask goes through whatever is wrong outside.
    assert [trouble for trouble, ran in troubles.items() if sum(ran.values()) > (len(ran) > 1)] == []


def test_no_secret_is_written_anywhere(troubled: Troubled) -> None:
    assert found(troubled.home, SECRETS) == []


def test_dagster_keeps_nothing_about_people(troubled: Troubled) -> None:
    assert len(troubled.people) > 100
    assert found(troubled.home / "dagster", troubled.people) == []


def test_the_search_looks_everywhere(troubled: Troubled) -> None:
    """Else nothing found would mean nothing."""
    places = {place.partition(": ")[0] for place, _ in texts(troubled.home)}
    for ending in (".err", ".out", "state.db", ".parquet", "printed.txt", "deeds.jsonl", "runs.db"):
        assert any(place.endswith(ending) for place in places), ending
    tables = {place.partition(": ")[2] for place, _ in texts(troubled.home / "dagster")}
    assert {"event_logs", "runs", "snapshots"} <= tables
    assert {place.split("/")[0] for place, _ in found(troubled.home, troubled.people)} == {"lake", "sandbox"}


def test_a_secret_that_is_written_is_found(troubled: Troubled) -> None:
    for run in troubled.told["none"]:
        log = next((troubled.home / "dagster").rglob(f"{run}.db"))
        assert found(log.parent, [run])
    secret = CANARIES["CANARY_PASSWORD"]
    planted = troubled.home / "planted"
    planted.mkdir()
    for number, form in enumerate(sorted(forms(secret))):
        (planted / f"{number}.txt").write_text(f"…{form}…")
    assert {hit for _, hit in found(planted, SECRETS)} == forms(secret)
