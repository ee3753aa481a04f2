"""Slack's store: the workspace's own ids, and its channels, people, messages and files.

Instants are aware, in UTC. Ids have the form of Slack's own: a letter for the kind and at least eight more characters.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

TEAM_ID, TEAM_NAME = "T0SANDBOX01", "Sandbox"
APP_ID = "A0GTMAPP001"
BOT_ID, BOT_USER_ID, BOT_NAME = "B0GTMBOT001", "U0GTMBOT001", "GTM Platform"

ALERT_CHANNEL = "C0ALERTS001"
SUMMARY_CHANNEL = "C0SUMMARY01"
OPS_CHANNEL = "C0DATAOPS01"
CHANNELS = {ALERT_CHANNEL: "gtm-alerts", SUMMARY_CHANNEL: "gtm-summaries", OPS_CHANNEL: "gtm-data-ops"}


@dataclass(slots=True)
class SlackMessage:
    """A message, identified by its channel and timestamp. All are the bot's."""

    channel: str
    ts: str
    text: str
    blocks: list[dict[str, Any]]
    at: datetime
    thread_ts: str | None = None
    edited: datetime | None = None
    metadata: dict[str, Any] | None = None
    attachments: list[dict[str, Any]] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)  # emoji name -> ids of the users, oldest first
    broadcast: bool = False  # a reply that is shown in the channel as well
    deleted: bool = False  # what stays of a deleted message that has replies


@dataclass(slots=True)
class SlackFile:
    """A file of the bot: announced with its length, then uploaded, then complete; then it can be shown."""

    id: str
    name: str
    length: int
    about: str
    created: datetime
    content: bytes | None = None
    title: str = ""
    complete: bool = False


@dataclass
class SlackStore:
    """All that a workspace holds."""

    channels: dict[str, str] = field(default_factory=dict)  # id -> name
    users: dict[str, dict[str, Any]] = field(default_factory=dict)  # email -> wire user
    messages: list[SlackMessage] = field(default_factory=list)
    files: dict[str, SlackFile] = field(default_factory=dict)  # by id
    team_id: str = TEAM_ID
    last_ts: str = ""  # of the newest message ever written, deleted or not
