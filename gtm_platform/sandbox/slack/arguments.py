"""The arguments of a call, be they in the query, in a form, or in a JSON body."""

import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from gtm_platform.sandbox.slack.call import Arguments
from gtm_platform.sandbox.slack.errors import SlackError

STRUCTURED = ("attachments", "blocks", "metadata")  # JSON where they come as text


async def arguments_of(request: Request) -> Arguments:
    """Read a request's arguments; the body's come before the query's."""
    body = (await request.body()).decode()
    arguments: Arguments = dict(request.query_params)
    if content_type(request) == "application/json":
        arguments |= _object(body)
    else:
        form = dict(parse_qsl(body))
        arguments |= _object(form["payload"]) if "payload" in form else form
    for name in STRUCTURED:
        if isinstance(arguments.get(name), str):
            arguments[name] = _parsed(arguments[name], f"invalid_{name}_format")
    return arguments


def content_type(request: Request) -> str:
    """The body's type, without its character set."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _object(text: str) -> Arguments:
    parsed = _parsed(text or "{}", "invalid_json")
    if not isinstance(parsed, dict):
        raise SlackError("json_not_object")
    return parsed


def _parsed(text: str, code: str) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError as error:
        raise SlackError(code) from error
