"""Wire shapes of messages, channels and users, as Slack documents them."""

from collections.abc import Sequence
from typing import Any

from gtm_platform.sandbox.slack.store import APP_ID, BOT_ID, BOT_NAME, BOT_USER_ID, TEAM_ID, SlackMessage

CREATED = 1_700_000_000  # of the workspace, its channels and its people

Wire = dict[str, Any]

BOT_USER: Wire = {
    "id": BOT_USER_ID,
    "name": "gtm_platform",
    "real_name": BOT_NAME,
    "profile": {"real_name": BOT_NAME, "display_name": BOT_NAME, "api_app_id": APP_ID, "bot_id": BOT_ID},
    "is_bot": True,
    "is_email_confirmed": False,
}


def message_wire(message: SlackMessage, replies: Sequence[SlackMessage] = (), *, with_metadata: bool = True) -> Wire:
    """A message, with what is told of its thread when it has replies."""
    if message.deleted:
        wire: Wire = {"type": "message", "subtype": "tombstone", "text": message.text, "ts": message.ts, "hidden": True}
        return {**wire, "user": "USLACKBOT", **_thread(message, replies)}
    wire = {
        "type": "message",
        "subtype": "thread_broadcast" if message.broadcast else "bot_message",
        "text": message.text,
        "ts": message.ts,
        "user": BOT_USER_ID,
        "bot_id": BOT_ID,
        "app_id": APP_ID,
        "team": TEAM_ID,
        **_thread(message, replies),
    }
    if message.blocks:
        wire["blocks"] = message.blocks
    if message.attachments:
        wire["attachments"] = message.attachments
    if message.reactions:
        wire["reactions"] = [
            {"name": name, "users": list(users), "count": len(users)} for name, users in message.reactions.items()
        ]
    if message.metadata and with_metadata:
        wire["metadata"] = message.metadata
    if message.edited:
        wire["edited"] = {"user": BOT_USER_ID, "ts": f"{int(message.edited.timestamp())}.000000"}
    return wire


def _thread(message: SlackMessage, replies: Sequence[SlackMessage]) -> Wire:
    if message.thread_ts:
        return {"thread_ts": message.thread_ts, "parent_user_id": BOT_USER_ID}
    if not replies:
        return {}
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users_count": 1,
        "latest_reply": replies[-1].ts,
        "reply_users": [BOT_USER_ID],
        "is_locked": False,
        "subscribed": False,
    }


def permalink(url: str, message: SlackMessage) -> str:
    """The address of a message's place on the sandbox's page."""
    address = f"{url}archives/{message.channel}/{anchor(message)}"
    return f"{address}?thread_ts={message.thread_ts}&cid={message.channel}" if message.thread_ts else address


def anchor(message: SlackMessage) -> str:
    """A message's timestamp as Slack writes it in addresses."""
    return "p" + message.ts.replace(".", "")


def channel_wire(channel_id: str, name: str) -> Wire:
    """A public channel of which the bot is a member, as all are here."""
    unset = {"value": "", "creator": "", "last_set": 0}
    return {
        "id": channel_id,
        "name": name,
        "name_normalized": name,
        "is_channel": True,
        "is_group": False,
        "is_im": False,
        "is_mpim": False,
        "is_private": False,
        "is_archived": False,
        "is_member": True,
        "is_general": name == "general",
        "is_shared": False,
        "is_org_shared": False,
        "is_ext_shared": False,
        "is_pending_ext_shared": False,
        "pending_shared": [],
        "created": CREATED,
        "updated": CREATED * 1_000,
        "creator": BOT_USER_ID,
        "context_team_id": TEAM_ID,
        "shared_team_ids": [TEAM_ID],
        "unlinked": 0,
        "previous_names": [],
        "topic": unset,
        "purpose": unset,
    }


def user_wire(user: Wire, *, with_locale: bool = False) -> Wire:
    """A person or the bot, as the store holds it, completed with what Slack says of everybody."""
    profile = user.get("profile", {})
    name = user.get("real_name") or profile.get("real_name") or user["name"]
    wire: Wire = {
        "team_id": TEAM_ID,
        "deleted": False,
        "color": "9f69e7",
        "real_name": name,
        "tz": "Etc/UTC",
        "tz_label": "Coordinated Universal Time",
        "tz_offset": 0,
        **dict.fromkeys(("is_admin", "is_owner", "is_primary_owner", "is_restricted", "is_ultra_restricted"), False),
        "is_bot": False,
        "is_app_user": False,
        "is_email_confirmed": bool(profile.get("email")),
        "updated": CREATED,
        **user,
        "profile": _profile(name, profile),
    }
    return {**wire, "locale": "en-GB"} if with_locale else wire


def _profile(name: str, profile: Wire) -> Wire:
    shown = profile.get("display_name", "")
    return {
        **dict.fromkeys(("title", "phone", "skype", "status_text", "status_emoji", "avatar_hash"), ""),
        "status_expiration": 0,
        "real_name": name,
        "real_name_normalized": profile.get("real_name", name),
        "display_name": shown,
        "display_name_normalized": shown,
        "team": TEAM_ID,
        **profile,
    }
