"""Alerts on a terminal: a message of Slack as plain text, and the journal as rows."""

import html
import re
from collections.abc import Collection, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

from gtm_platform.cli.printing import Rows
from gtm_platform.delivery.alerts.alert import worded
from gtm_platform.delivery.alerts.kinds import discover
from gtm_platform.delivery.alerts.wording import Message
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform.state.slack_journal import recent

LISTED = 10_000
COLUMNS = ("day", "kind", "subject", "status", "sent_at", "channel", "useful", "not_useful", "title")


def message_text(message: Message) -> str:
    """Return a message as it reads, with where it goes above it."""
    where = message.recipient or "SLACK_ALERT_CHANNEL"
    return "\n".join([f"--- to {where}{', in the thread' if message.follows else ''}", *_lines(message)])


def _lines(message: Message) -> Iterator[str]:
    for block in message.blocks:
        if block["type"] == "header":
            yield str(block["text"]["text"])
        for part in (*block.get("fields", ()), *block.get("elements", ())):
            yield _plain(part).replace("\n", ": ")
        if block["type"] == "section" and "text" in block:
            yield _plain(block["text"])


def _plain(part: dict[str, Any]) -> str:
    """Return marked text without its marks: a link is its words and its address."""
    text = re.sub(r"<([^|>]+)\|([^>]*)>", r"\2 (\1)", str(part["text"]))
    return html.unescape(re.sub(r"^\*(.+?)\*", r"\1", text, flags=re.MULTILINE))


def journal_rows(days: int, kinds: Collection[str]) -> Rows:
    """Return the alerts of the newest days, of some kinds or of all."""
    alerts, since = discover(), f"{settings().now() - timedelta(days=days):%Y-%m-%d}"
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        entries = [row for row in recent(tx, since, LISTED) if not kinds or row["kind"] in kinds]
    rows = []
    for row in entries:
        alert = alerts.get(row["kind"])
        title = worded(alert.title, row["facts"]) if alert else row["kind"]
        shown = {**row, "subject": row["subject_id"], "title": title}
        rows.append(tuple(shown[name] for name in COLUMNS))
    return Rows(COLUMNS, rows)
