"""Slack's store: plain records, which the emulator writes and renders. Instants are aware, in UTC."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(slots=True)
class SlackMessage:
    channel: str
    ts: str
    text: str
    blocks: list[dict[str, Any]]
    at: datetime
    thread_ts: str | None = None
    edited: datetime | None = None
    metadata: dict[str, Any] | None = None


@dataclass
class SlackStore:
    channels: dict[str, str] = field(default_factory=dict)  # id -> name
    users: dict[str, dict[str, Any]] = field(default_factory=dict)  # email -> wire user
    messages: list[SlackMessage] = field(default_factory=list)
