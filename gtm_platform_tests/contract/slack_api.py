"""Slack's methods as its official client knows them, brought into the form of OpenAPI. Slack publishes no shapes of
answers that can be kept; what is asked of them here is what clients rely on."""

import inspect
from functools import cache
from typing import Any

from slack_sdk import WebClient

from gtm_platform_tests.contract.description import JSON, Description

TOKEN = {"in": "header", "name": "authorization", "required": True, "schema": {"pattern": r"^Bearer \S+$"}}
TEXT, OBJECT, TRUTH = {"type": "string"}, {"type": "object"}, {"type": "boolean"}
TIMESTAMP = {"type": "string", "pattern": r"^\d+\.\d{6}$"}
TYPES: dict[str, Any] = {
    **dict.fromkeys(("channel", "text", "markdown_text", "email", "cursor", "types"), TEXT),
    **dict.fromkeys(("ts", "thread_ts"), TIMESTAMP),
    **dict.fromkeys(("unfurl_links", "unfurl_media", "reply_broadcast"), TRUTH),
    "blocks": {"type": "array", "maxItems": 50, "items": {"type": "object", "required": ["type"]}},
    "metadata": {"type": "object", "required": ["event_type", "event_payload"]},
    "limit": {"type": "integer"},
}
NEEDED = {"chat.postMessage": ["channel"], "chat.update": ["channel", "ts"], "users.lookupByEmail": ["email"]}
MESSAGE = {"type": "object", "required": ["type", "text", "ts"]}
ANSWERS: dict[str, dict[str, Any]] = {
    "chat.postMessage": {"channel": TEXT, "ts": TIMESTAMP, "message": MESSAGE},
    "chat.update": {"channel": TEXT, "ts": TIMESTAMP, "text": TEXT, "message": MESSAGE},
    "auth.test": {
        **dict.fromkeys(("url", "team", "user", "team_id", "user_id", "bot_id"), TEXT),
        "is_enterprise_install": TRUTH,
    },
    "conversations.list": {
        "channels": {"type": "array", "items": {"type": "object", "required": ["id", "name"]}},
        "response_metadata": {"type": "object", "required": ["next_cursor"]},
    },
    "users.lookupByEmail": {"user": {"type": "object", "required": ["id", "name", "profile"]}},
}
COMMON = {"warning": TEXT, "response_metadata": OBJECT}
REFUSED = {
    "type": "object",
    "required": ["ok", "error"],
    "properties": {"ok": {"enum": [False]}, "error": TEXT, "errors": {"type": "array", "items": TEXT}, **COMMON},
}


@cache
def slack() -> Description:
    paths = {f"/api/{method}": {"get": _operation(method), "post": _operation(method)} for method in ANSWERS}
    return Description("slack", {"paths": {**paths, "/services/T0/B0/{secret}": {"post": _WEBHOOK}}})


_WEBHOOK: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {JSON: {"schema": {"type": "object", "properties": {**TYPES}}}},
    },
    "responses": {"200": {"content": {"text/plain": {}}}, "4XX": {"content": {"text/plain": {}}}},
}


def _operation(method: str) -> dict[str, Any]:
    known = list(inspect.signature(getattr(WebClient, method.replace(".", "_"))).parameters)
    arguments = {name: TYPES.get(name, {}) for name in known if name not in ("self", "kwargs")}
    body = {"type": "object", "required": NEEDED.get(method, []), "properties": arguments}
    told = {
        "type": "object",
        "required": ["ok", *ANSWERS[method]],
        "properties": {"ok": {"enum": [True]}, **COMMON, **ANSWERS[method]},
    }
    return {
        "parameters": [TOKEN, *({"in": "query", "name": name, "schema": schema} for name, schema in arguments.items())],
        "requestBody": {"content": {JSON: {"schema": body}}},
        "responses": {
            "200": {"content": {JSON: {"schema": {"oneOf": [told, REFUSED]}}}},
            "429": {"content": {JSON: {"schema": REFUSED}}},
        },
    }
