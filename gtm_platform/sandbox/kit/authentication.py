"""How a system takes its key: as a bearer token, as the user of basic authentication, in a header or in the query."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

KeyReader = Callable[[Request], str]  # the key of a request, empty when there is none


@dataclass(frozen=True)
class Authentication:
    """One key, and the places where a client may put it; the first place that has one counts.

    Some systems have further keys, such as one of each person.
    """

    key: str
    readers: tuple[KeyReader, ...]
    further_keys: tuple[str, ...] = ()

    def presented(self, request: Request) -> str:
        """The key that came with the request, empty when none did."""
        return next((key for read in self.readers if (key := read(request))), "")

    def accepts(self, key: str) -> bool:
        """Whether this is one of the keys."""
        return key == self.key or key in self.further_keys


def bearer_token(request: Request) -> str:
    """`Authorization: Bearer <key>`."""
    return _credentials(request, "bearer")


def basic_user(request: Request) -> str:
    """The user of basic authentication, whose password is left empty."""
    return _basic(request)[0]


def basic_password(request: Request) -> str:
    """The password of basic authentication."""
    return _basic(request)[1]


def header(name: str) -> KeyReader:
    """A header that holds nothing but the key."""
    return lambda request: request.headers.get(name, "").strip()


def query_parameter(name: str) -> KeyReader:
    """A parameter of the query."""
    return lambda request: request.query_params.get(name, "")


def _credentials(request: Request, scheme: str) -> str:
    name, _, credentials = request.headers.get("authorization", "").partition(" ")
    return credentials.strip() if name.lower() == scheme else ""


def _basic(request: Request) -> tuple[str, str]:
    try:
        user, _, password = base64.b64decode(_credentials(request, "basic"), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password
