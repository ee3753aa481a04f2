"""The page that shows channels and messages as people see them. It loads nothing from anywhere."""

from collections import Counter
from datetime import date, datetime, timedelta
from html import escape
from itertools import groupby
from urllib.parse import quote

from gtm_platform.sandbox.slack.attachment_html import attachments_html
from gtm_platform.sandbox.slack.block_html import blocks_html
from gtm_platform.sandbox.slack.call import person_in
from gtm_platform.sandbox.slack.emoji import emoji
from gtm_platform.sandbox.slack.mrkdwn import Names, to_html
from gtm_platform.sandbox.slack.render import anchor
from gtm_platform.sandbox.slack.store import BOT_NAME, BOT_USER_ID, TEAM_NAME, SlackMessage, SlackStore
from gtm_platform.sandbox.slack.stylesheet import STYLESHEET

MOST_SHOWN = 200

_AVATAR = (
    '<svg class="avatar" viewBox="0 0 36 36" aria-hidden="true"><rect width="36" height="36" rx="8"/>'
    '<path d="M9 24V15M15 24V9M21 24v-6M27 24V12" stroke-width="3.4" stroke-linecap="round"/></svg>'
)


def page(store: SlackStore, channel: str | None, now: datetime) -> str:
    """One channel, with the list of all; the one written to last when there is none with that id."""
    channels = _channels(store)
    chosen = channel if channel in channels else _latest_channel(store)
    name = channels.get(chosen, "no channels") if chosen else "no channels"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>#{escape(name)} · Slack sandbox</title>
<style>{STYLESHEET}</style>
</head>
<body>
<nav><h1>{TEAM_NAME}</h1><h2>Channels</h2><ul>{_channel_list(store, chosen)}</ul></nav>
<main>
<header><strong># {escape(name)}</strong><span>{now:%d %B %Y, %H:%M} UTC</span></header>
<div class="scroll"><div class="feed">{_feed(store, chosen, now.date())}</div></div>
</main>
</body>
</html>
"""


def _channels(store: SlackStore) -> dict[str, str]:
    """The channels, and the direct messages with people to whom any were sent, by their ids."""
    direct = {message.channel for message in store.messages} - set(store.channels)
    return {**store.channels, **{channel: f"@{person_in(store, channel) or channel}" for channel in sorted(direct)}}


def _latest_channel(store: SlackStore) -> str | None:
    if store.messages:
        return store.messages[-1].channel
    return next(iter(store.channels), None)


def _channel_list(store: SlackStore, chosen: str | None) -> str:
    counts = Counter(message.channel for message in store.messages)
    items = []
    for channel_id, name in sorted(_channels(store).items(), key=lambda item: item[1]):
        current = ' aria-current="page"' if channel_id == chosen else ""
        count = f"<b>{counts[channel_id]}</b>" if counts[channel_id] else ""
        link = f'<a href="?channel={quote(channel_id)}"{current}># {escape(name)}{count}</a>'
        items.append(f"<li>{link}</li>")
    return "".join(items)


def _feed(store: SlackStore, channel: str | None, today: date) -> str:
    here = [message for message in store.messages if message.channel == channel]
    firsts = [message for message in here if message.thread_ts is None]
    replies: dict[str, list[SlackMessage]] = {}
    for message in here:
        if message.thread_ts is not None:
            replies.setdefault(message.thread_ts, []).append(message)
    if not firsts:
        return '<p class="note">Nothing has been posted here yet.</p>'
    names = _names(store)
    older = len(firsts) - MOST_SHOWN
    parts = [f'<p class="note">{older} older messages are not shown.</p>'] if older > 0 else []
    for day, messages in groupby(firsts[-MOST_SHOWN:], key=lambda message: message.at.date()):
        parts.append(f'<div class="day"><span>{_day_name(day, today)}</span></div>')
        parts += [_message(message, replies.get(message.ts, []), names) for message in messages]
    return "".join(parts)


def _names(store: SlackStore) -> Names:
    users = {BOT_USER_ID: BOT_NAME}
    for user in store.users.values():
        users[user["id"]] = user.get("profile", {}).get("real_name") or user.get("name") or user["id"]
    return Names(users, store.channels)


def _day_name(day: date, today: date) -> str:
    if day == today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    return f"{day:%A}, {day.day} {day:%B %Y}"


def _message(message: SlackMessage, replies: list[SlackMessage], names: Names) -> str:
    edited = '<span class="edited">(edited)</span>' if message.edited else ""
    author = f"<strong>{BOT_NAME}</strong><i>APP</i>"
    return f"""<article id="{anchor(message)}">{_AVATAR}<div class="content">
<div class="by">{author}<time title="{escape(message.ts)}">{message.at:%H:%M}</time></div>
{_body(message, names)}{edited}{_reactions(message, names)}{_thread(replies, names)}</div></article>"""


def _body(message: SlackMessage, names: Names) -> str:
    """The blocks, or else the text, and then the attachments."""
    if message.deleted:
        return f'<div class="edited">{escape(message.text)}</div>'
    text = f"<div>{to_html(message.text, names)}</div>" if message.text else ""
    body = blocks_html(message.blocks, names) if message.blocks else text
    return body + attachments_html(message.attachments, names)


def _reactions(message: SlackMessage, names: Names) -> str:
    shown = []
    for name, users in message.reactions.items():
        who = ", ".join(names.users.get(user, user) for user in users)
        shown.append(f'<span title="{escape(who)}">{escape(emoji(name))} {len(users)}</span>')
    return f'<div class="reactions">{"".join(shown)}</div>' if shown else ""


def _thread(replies: list[SlackMessage], names: Names) -> str:
    if not replies:
        return ""
    count = "1 reply" if len(replies) == 1 else f"{len(replies)} replies"
    shown = "".join(_message(reply, [], names) for reply in replies)
    return f'<details class="thread" open><summary>{count}</summary>{shown}</details>'
