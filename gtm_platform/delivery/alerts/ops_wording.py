"""How an alert for the data team reads: what failed, why, what to do, and where to look in Dagster."""

from collections.abc import Mapping, Sequence
from typing import Any

from gtm_platform.delivery.alerts.alert import SEVERITIES, Alert, worded
from gtm_platform.delivery.alerts.kinds import routed
from gtm_platform.delivery.alerts.runbooks import runbook_of
from gtm_platform.delivery.alerts.wording import (
    Block,
    Message,
    counted,
    digest,
    escape,
    header,
    link,
    pages,
    repeat_mark,
    section,
)
from gtm_platform.ingest.plain_words import plain_words
from gtm_platform.state.slack_journal import Entry

LINES = 20  # of one message; the page in Dagster has all


def compose(entries: Sequence[Entry], digest_above: int, ui_url: str) -> list[Message]:
    """Return a message for each group of alerts; more than `digest_above` messages become one digest."""
    alerts = routed("ops")
    groups = _groups(entries, alerts)
    if len(groups) <= digest_above:
        return [_message(group, alerts[group[0].kind], ui_url) for group in groups]
    ordered = [entry for group in groups for entry in group]
    return [_page(page, alerts, ui_url, len(ordered), number) for number, page in enumerate(pages(ordered))]


def _groups(entries: Sequence[Entry], alerts: Mapping[str, Alert[Any]]) -> list[list[Entry]]:
    """Return the entries by what they share, the most pressing first in each group."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        alert = alerts[entry.kind]
        shared = alert.group(entry.facts) if alert.group else entry.fingerprint
        groups.setdefault((entry.kind, shared), []).append(entry)
    return [
        sorted(group, key=lambda entry: SEVERITIES.index(alerts[entry.kind].severity_of(entry.facts)))
        for group in groups.values()
    ]


def _message(group: Sequence[Entry], alert: Alert[Any], ui_url: str) -> Message:
    first = group[0]
    more = f" and {len(group) - 1} more" if len(group) > 1 else ""
    title = f"{repeat_mark(first)}{worded(alert.title, first.facts)}{more}"
    reasons = [worded(alert.why, entry.facts) for entry in group]
    blocks: list[Block] = [header(title), section(_reasons(reasons))]
    if advice := alert.advice_of(first.facts):
        blocks.append(section(f"*What to do*\n{escape(advice)}"))
    links = [link(ui_url.rstrip("/") + alert.page(first.facts), "Open in Dagster")] if alert.page else []
    blocks.append(section(" · ".join([*links, runbook_of(alert, first.facts).linked()])))
    return Message(tuple(group), escape(f"{title}. {reasons[0]}"), tuple(blocks))


def _reasons(reasons: Sequence[str]) -> str:
    if len(reasons) == 1:
        return f"*Why*\n{escape(reasons[0])}"
    lines = [f"• {escape(reason)}" for reason in reasons[:LINES]]
    if len(reasons) > LINES:
        lines.append(f"… and {len(reasons) - LINES} more")
    return "*Why*\n" + "\n".join(lines)


def _page(entries: Sequence[Entry], alerts: Mapping[str, Alert[Any]], ui_url: str, total: int, number: int) -> Message:
    lines, kinds = [], []
    for entry in entries:
        alert = alerts[entry.kind]
        title = escape(worded(alert.title, entry.facts))
        if alert.page:
            title = link(ui_url.rstrip("/") + alert.page(entry.facts), worded(alert.title, entry.facts))
        why = escape(worded(alert.why, entry.facts))
        lines.append(f"{repeat_mark(entry)}*{title}* {why} {runbook_of(alert, entry.facts).linked()}")
        kinds.append(plain_words(entry.kind))
    return digest(entries, lines, counted(kinds), total, number)
