"""What a system's package exports so that the sandbox sends its webhooks, and how systems sign."""

import base64
import hashlib
import hmac
import importlib
import json
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.util import find_spec
from typing import Any

Headers = dict[str, str]
Signer = Callable[[bytes, str, str, datetime], Headers]  # of a body, a secret, the address, and the time
JSON = "application/json"


@dataclass(frozen=True)
class Happening:
    """Something that a system tells of: when it happened, and the body that says it."""

    at: datetime
    body: bytes
    id: str = ""  # of the delivery, where a header has it


@dataclass(frozen=True)
class Webhook:
    """The webhook of a system, exported by its package's module `webhook` as WEBHOOK.

    `happenings` are those of a world between two instants, the first excluded. `delays` are those after which a
    delivery that was not taken is sent again.
    """

    name: str  # the last step of the receiver's address
    variable: str  # in which the receiver has the secret
    secret: str
    sign: Signer
    happenings: Callable[[Any, datetime, datetime], Iterator[Happening]]
    delays: tuple[timedelta, ...]
    content_type: str = JSON

    def headers(self, happening: Happening, address: str, at: datetime) -> Headers:
        """The headers of a delivery, signed at a moment."""
        headers = {"content-type": self.content_type, **self.sign(happening.body, self.secret, address, at)}
        return {**headers, "webhook-id": happening.id} if happening.id and "webhook-id" not in headers else headers


def discover(parent: str = "gtm_platform.sandbox") -> list[Webhook]:
    """The webhooks of all packages below the parent, by name."""
    package = importlib.import_module(parent)
    names = [f"{parent}.{each.name}.webhook" for each in pkgutil.iter_modules(package.__path__) if each.ispkg]
    return sorted((importlib.import_module(name).WEBHOOK for name in names if find_spec(name)), key=lambda w: w.name)


def compact(value: Any) -> bytes:
    """JSON as systems send it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def hex_of(secret: str, text: bytes, algorithm: str = "sha256") -> str:
    """An HMAC in hex."""
    return hmac.new(secret.encode(), text, algorithm).hexdigest()


def timed(header: str) -> Signer:
    """`t=<seconds>,v1=<hex>` over `<t>.<body>`."""

    def sign(body: bytes, secret: str, _address: str, at: datetime) -> Headers:
        seconds = str(int(at.timestamp()))
        return {header: f"t={seconds},v1={hex_of(secret, seconds.encode() + b'.' + body)}"}

    return sign


def of_body(header: str, algorithm: str, prefix: str = "") -> Signer:
    """An HMAC of the body alone."""
    return lambda body, secret, _address, _at: {header: prefix + hex_of(secret, body, algorithm)}


def token(header: str, prefix: str = "") -> Signer:
    """The secret itself."""
    return lambda _body, secret, _address, _at: {header: prefix + secret}


def hashed_token(header: str) -> Signer:
    """A digest of the secret."""
    return lambda _body, secret, _address, _at: {header: base64.b64encode(_sha256(secret)).decode()}


def standard(body: bytes, secret: str, _address: str, at: datetime) -> Headers:
    """Standard Webhooks; the id is made of the body, so that it is the same when it is sent again."""
    id_, seconds = f"msg_{hashlib.sha256(body).hexdigest()[:20]}", str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{id_}.{seconds}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": id_, "webhook-timestamp": seconds, "webhook-signature": signature}


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def spans(*seconds: float) -> tuple[timedelta, ...]:
    """Delays, in seconds."""
    return tuple(timedelta(seconds=each) for each in seconds)


def within(since: datetime, at: datetime | None, until: datetime) -> bool:
    """Whether something happened after an instant, and by another."""
    return at is not None and since < at <= until
