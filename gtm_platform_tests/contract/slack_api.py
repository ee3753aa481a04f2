"""Slack's methods as its official client calls them, brought into the form of OpenAPI.

Slack publishes no shapes of answers that can be kept. Answers are judged by what clients rely on.
"""

import inspect
from functools import cache
from typing import Any

from slack_sdk import WebClient

from gtm_platform.sandbox.slack.app import UPLOAD, WEBHOOK
from gtm_platform_tests.contract.description import JSON, Description

Schema = dict[str, Any]

TOKEN = {"in": "header", "name": "authorization", "required": True, "schema": {"pattern": r"^Bearer \S+$"}}
TEXT, OBJECT, TRUTH, NUMBER = {"type": "string"}, {"type": "object"}, {"type": "boolean"}, {"type": "integer"}
TIMESTAMP = {"type": "string", "pattern": r"^\d+\.\d{6}$"}
INSTANT = {"type": "string", "pattern": r"^\d+(\.\d{1,6})?$"}
CHANNEL_ID = {"type": "string", "pattern": "^[CGD][A-Z0-9]{8,}$"}
USER_ID = {"type": "string", "pattern": "^[UW][A-Z0-9]{8,}$"}
TEAM_ID = {"type": "string", "pattern": "^T[A-Z0-9]{8,}$"}
BOT_ID = {"type": "string", "pattern": "^B[A-Z0-9]{8,}$"}
LINK = {"type": "string", "pattern": "^https?://"}
BLOCKS = {"type": "array", "maxItems": 50, "items": {"type": "object", "required": ["type"]}}


def array(items: Schema) -> Schema:
    """A list of items of one kind."""
    return {"type": "array", "items": items}


def shape(required: Schema, **optional: Schema) -> Schema:
    """An object with these properties; more are allowed."""
    properties = {**required, **optional}
    return {"type": "object", "required": list(required), "properties": properties, "additionalProperties": True}


REACTION = shape({"name": TEXT, "users": array(USER_ID), "count": NUMBER})
MESSAGE = shape(
    {"type": {"enum": ["message"]}, "text": TEXT, "ts": TIMESTAMP, "user": USER_ID},
    subtype={"enum": ["bot_message", "thread_broadcast", "tombstone"]},
    bot_id=BOT_ID,
    team=TEAM_ID,
    thread_ts=TIMESTAMP,
    reply_count=NUMBER,
    reply_users=array(USER_ID),
    latest_reply=TIMESTAMP,
    blocks=BLOCKS,
    attachments=array(shape({"id": NUMBER, "fallback": TEXT}, color=TEXT, blocks=BLOCKS)),
    reactions=array(REACTION),
    edited=shape({"user": USER_ID, "ts": TIMESTAMP}),
    metadata=shape({"event_type": TEXT, "event_payload": OBJECT}),
)
CHANNEL = shape(
    {
        "id": CHANNEL_ID, "name": TEXT, "created": NUMBER, "creator": USER_ID, "topic": shape({"value": TEXT}),
        "purpose": shape({"value": TEXT}), "previous_names": array(TEXT), "context_team_id": TEAM_ID,
        **dict.fromkeys(("is_channel", "is_private", "is_archived", "is_member", "is_general", "is_shared"), TRUTH),
    },
    num_members=NUMBER,
)  # fmt: skip
USER = shape(
    {
        "id": USER_ID, "team_id": TEAM_ID, "name": TEXT, "real_name": TEXT, "tz": TEXT, "tz_offset": NUMBER,
        "updated": NUMBER, "profile": shape({"real_name": TEXT, "display_name": TEXT}, email=TEXT),
        **dict.fromkeys(("deleted", "is_bot", "is_admin", "is_owner", "is_app_user"), TRUTH),
    }
)  # fmt: skip
ITEM = {
    "type": {"enum": ["message"]},
    "channel": CHANNEL_ID,
    "message": {"allOf": [MESSAGE, shape({"permalink": LINK})]},
}
FILE_ID = {"type": "string", "pattern": "^F[A-Z0-9]{8,}$"}
FILE = shape(
    {
        "id": FILE_ID, "created": NUMBER, "name": TEXT, "title": TEXT, "mimetype": TEXT, "filetype": TEXT,
        "user": USER_ID, "size": NUMBER, "is_public": TRUTH,
    }
)  # fmt: skip
CURSOR = shape({"next_cursor": TEXT})

ARGUMENTS: Schema = {
    **dict.fromkeys(("channel", "text", "markdown_text", "email", "cursor", "types", "name", "user", "error"), TEXT),
    **dict.fromkeys(("ts", "thread_ts", "timestamp", "message_ts"), TIMESTAMP),
    **dict.fromkeys(("unfurl_links", "unfurl_media", "reply_broadcast", "inclusive", "full"), TRUTH),
    **dict.fromkeys(("include_all_metadata", "include_num_members", "include_locale", "exclude_archived"), TRUTH),
    **dict.fromkeys(("oldest", "latest"), INSTANT),
    "blocks": BLOCKS,
    "attachments": {"type": "array", "maxItems": 100, "items": OBJECT},
    "metadata": {"type": "object", "required": ["event_type", "event_payload"]},
    "limit": NUMBER,
}
REQUIRED = {
    "chat.delete": ["channel", "ts"],
    "chat.getPermalink": ["channel", "message_ts"],
    "chat.postMessage": ["channel"],
    "chat.update": ["channel", "ts"],
    "conversations.history": ["channel"],
    "conversations.info": ["channel"],
    "conversations.replies": ["channel", "ts"],
    "files.completeUploadExternal": ["files"],
    "files.getUploadURLExternal": ["filename", "length"],
    "files.info": ["file"],
    "reactions.add": ["channel", "name", "timestamp"],
    "reactions.remove": ["name"],
    "users.info": ["user"],
    "users.lookupByEmail": ["email"],
}
ANSWERS: dict[str, Schema] = {
    "api.test": {"args": OBJECT},
    "auth.test": {
        "url": LINK, "team": TEXT, "user": TEXT, "team_id": TEAM_ID, "user_id": USER_ID, "bot_id": BOT_ID,
        "is_enterprise_install": TRUTH,
    },
    "chat.delete": {"channel": CHANNEL_ID, "ts": TIMESTAMP},
    "chat.getPermalink": {"channel": CHANNEL_ID, "permalink": LINK},
    "chat.postMessage": {"channel": CHANNEL_ID, "ts": TIMESTAMP, "message": MESSAGE},
    "chat.update": {"channel": CHANNEL_ID, "ts": TIMESTAMP, "text": TEXT, "message": MESSAGE},
    "conversations.history": {
        "messages": array(MESSAGE), "has_more": TRUTH, "pin_count": NUMBER, "channel_actions_ts": {},
        "channel_actions_count": NUMBER,
    },
    "conversations.info": {"channel": CHANNEL},
    "conversations.list": {"channels": array(CHANNEL), "response_metadata": CURSOR},
    "conversations.open": {"channel": shape({"id": CHANNEL_ID})},
    "conversations.replies": {"messages": array(MESSAGE), "has_more": TRUTH},
    "files.completeUploadExternal": {"files": array(FILE)},
    "files.getUploadURLExternal": {"upload_url": LINK, "file_id": FILE_ID},
    "files.info": {"file": FILE, "comments": array(OBJECT)},
    "reactions.add": {},
    "reactions.get": ITEM,
    "reactions.list": {"items": array(shape(ITEM)), "response_metadata": CURSOR},
    "reactions.remove": {},
    "users.info": {"user": USER},
    "users.list": {"members": array(USER), "cache_ts": NUMBER, "response_metadata": CURSOR},
    "users.lookupByEmail": {"user": USER},
}  # fmt: skip
COMMON = {"warning": TEXT, "response_metadata": OBJECT}
REFUSED = {
    "type": "object",
    "required": ["ok", "error"],
    "properties": {"ok": {"enum": [False]}, "error": TEXT, "errors": array(TEXT), "args": OBJECT, **COMMON},
}


@cache
def slack() -> Description:
    """The methods that are asked of Slack, and its incoming webhook."""
    paths = {f"/api/{method}": {"get": _operation(method), "post": _operation(method)} for method in ANSWERS}
    return Description("slack", {"paths": {**paths, WEBHOOK: {"post": _WEBHOOK}, UPLOAD: {"post": _UPLOAD}}})


_UPLOAD: Schema = {
    # The client sends bytes without saying of what kind, which its library takes for a form.
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {}} for kind in ("application/octet-stream", "application/x-www-form-urlencoded")},
    },
    "responses": {"200": {"content": {"text/plain": {}}}, "4XX": {"content": {"text/plain": {}}}},
}
_WEBHOOK: Schema = {
    "requestBody": {
        "required": True,
        "content": {JSON: {"schema": {"type": "object", "properties": {**ARGUMENTS}}}},
    },
    "responses": {"200": {"content": {"text/plain": {}}}, "4XX": {"content": {"text/plain": {}}}},
}


def _operation(method: str) -> Schema:
    names = list(inspect.signature(getattr(WebClient, method.replace(".", "_"))).parameters)
    arguments = {name: ARGUMENTS.get(name, {}) for name in names if name not in ("self", "kwargs")}
    body = {"type": "object", "required": REQUIRED.get(method, []), "properties": arguments}
    answer = {
        "type": "object",
        "required": ["ok", *ANSWERS[method]],
        "properties": {"ok": {"enum": [True]}, **COMMON, **ANSWERS[method]},
    }
    query = ({"in": "query", "name": name, "schema": schema} for name, schema in arguments.items())
    return {
        "parameters": [TOKEN, *query],
        "requestBody": {"content": {JSON: {"schema": body}}},
        "responses": {
            "200": {"content": {JSON: {"schema": {"oneOf": [answer, REFUSED]}}}},
            "429": {"content": {JSON: {"schema": REFUSED}}},
        },
    }
