"""What arrived, and whether its signature is right."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.kit.write_log import Actions, Write
from gtm_platform.sandbox.kit.write_log import replay as replay_with

TOLERANCE = 300  # seconds that the clocks may be apart
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
NO_SECRET, RIGHT, WRONG = "no secret is known for this address", "right", "wrong"


@dataclass
class ReceivedHook:
    """A webhook that arrived: where, when, with which headers and body."""

    name: str
    at: datetime
    headers: Mapping[str, str]
    body: str
    verdict: str
    is_repeat: bool

    def row(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "name": self.name,
            "at": self.at.isoformat(),
            "id": self.headers.get("webhook-id", ""),
            "verdict": self.verdict,
            "is_repeat": self.is_repeat,
            "headers": dict(self.headers),
            "body": self.body,
        }

    @property
    def payload(self) -> dict[str, Any]:
        """What its body says; nothing where it is no JSON object."""
        try:
            loaded = json.loads(self.body)
        except ValueError:
            return {}
        return loaded if isinstance(loaded, dict) else {}


@dataclass
class HookStore:
    """The webhooks that arrived, and the secrets of the addresses that they are posted to."""

    received: list[ReceivedHook] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)


def verdict(secret: str | None, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Say whether a webhook is signed by who has the secret, and just now; else what is wrong."""
    if secret is None:
        return NO_SECRET
    if missing := [name for name in HEADERS if name not in headers]:
        return f"{WRONG}: no header {missing[0]}"
    if not headers["webhook-timestamp"].isdigit():
        return f"{WRONG}: the time is none"
    if abs(now.timestamp() - int(headers["webhook-timestamp"])) > TOLERANCE:
        return f"{WRONG}: sent at another time"
    content = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    digest = hmac.new(key_of(secret), content, hashlib.sha256).digest()
    wanted = "v1," + base64.b64encode(digest).decode()
    signatures = headers["webhook-signature"].split(" ")
    return RIGHT if any(hmac.compare_digest(each.encode(), wanted.encode()) for each in signatures) else WRONG


def key_of(secret: str) -> bytes:
    """Return the bytes of a secret as it is written; ValueError where it is none."""
    try:
        key = base64.b64decode(secret.strip().removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError("A secret is written as whsec_ and base64.") from None
    if not 24 <= len(key) <= 64:
        raise ValueError("A secret has 24 to 64 bytes.")
    return key


def _receive(store: HookStore, write: Write, at: datetime) -> ReceivedHook:
    headers, body = write["headers"], str(write["body"])
    id = headers.get("webhook-id")
    is_repeat = id is not None and any(each.headers.get("webhook-id") == id for each in store.received)
    judged = verdict(store.secrets.get(write["name"]), headers, body.encode("latin-1"), at)
    hook = ReceivedHook(
        write["name"], at, headers, body.encode("latin-1").decode("utf-8", "replace"), judged, is_repeat
    )
    store.received.append(hook)
    return hook


def _keep_secret(store: HookStore, write: Write, _: datetime) -> None:
    store.secrets[write["name"]] = write["secret"]


ACTIONS: Actions[HookStore, Any] = {"receive": _receive, "secret": _keep_secret}


def replay(store: HookStore, write: Write, at: datetime) -> Any:
    """Do one write as it was done at that instant."""
    return replay_with(ACTIONS, store, write, at)
