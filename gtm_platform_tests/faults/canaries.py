"""Keys and people that are easily recognised, the sandbox that knows them, a server that repeats what it is sent."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.sandbox.world import World
from gtm_platform_tests.e2e.home import midnight
from gtm_platform_tests.slow_systems import lift_limits

PEOPLE, SEED, DAY = 40, 29, date(2026, 3, 1)
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
        status, key = int(self.path.split("/")[1]), self.headers["Authorization"] or self.headers["X-Api-Key"]
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "X-Echo": key}.items():
            self.send_header(name, value)
        if status == 302:
            self.send_header("Location", f"/404/elsewhere?key={key.split()[-1]}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PATCH = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Nowhere."""


@contextmanager
def echoing() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def knowing_the_canaries(home: Path) -> Iterator[Sandbox]:
    with pytest.MonkeyPatch.context() as patch:
        for system in ("hubspot", "stripe", "intercom", "slack"):
            key = next(key for name, key in CANARIES.items() if name.startswith(system.upper()))
            patch.setattr(f"gtm_platform.sandbox.{system}.access.TOKEN", key)
        lift_limits(patch)
        with running(PEOPLE, SEED, midnight(DAY), home) as box:
            yield box


def spoil(world: World) -> dict[str, str]:
    """A contact that can never be read, and who it is."""
    contacts = world.hubspot.objects["contacts"].values()
    one = next(contact for contact in contacts if contact.properties.get("email"))
    one.properties["hs_email_optout"] = "perhaps"
    return {"email": one.properties["email"], "name": full_name(one.properties)}


def full_name(properties: dict[str, str]) -> str:
    return f"{properties.get('firstname', '')} {properties.get('lastname', '')}".strip()


def people(world: World) -> set[str]:
    """Addresses, full names, telephone numbers, and what was written in conversations."""
    contacts = [one.properties for one in world.hubspot.objects["contacts"].values()]
    known = [value for one in contacts for value in (one.get("email"), one.get("phone"))]
    known += [name for one in contacts if " " in (name := full_name(one))]
    for user in world.intercom.contacts.values():
        known += [user.email, user.phone]
    for conversation in world.intercom.conversations.values():
        known += [part.body for part in conversation.parts]
    return {value for value in known if value and len(value) >= SHORTEST}
