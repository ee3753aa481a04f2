"""One request to the API: its address, its parameters, its body."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import URL

from gtm_platform.sandbox.intercom.errors import IntercomError, invalid
from gtm_platform.sandbox.intercom.wire import Shape


@dataclass(frozen=True)
class Call:
    """`path` holds the ids in the path, `query` the parameters after it."""

    url: URL
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body, which has to be a JSON object."""
        try:
            body = json.loads(self.body)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise IntercomError(400, "The body must be a JSON object", code="bad_request")
        return body

    def address_of_page(self, number: int) -> str:
        """This request's address for another page, for the lists that page by addresses."""
        return str(self.url.include_query_params(page=number))


def object_in(body: dict[str, Any], name: str) -> Shape:
    """A member of a body that is an object; an absent one is empty."""
    value = body.get(name) or {}
    if not isinstance(value, dict):
        raise invalid(f"{name} must be an object", name)
    return value
