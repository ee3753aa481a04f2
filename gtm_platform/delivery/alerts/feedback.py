"""What readers think of alerts: their reactions in Slack, read back into the journal."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gtm_platform.delivery.alerts.kinds import routed
from gtm_platform.delivery.alerts.slack_client import ChannelRefused, SlackChannel
from gtm_platform.policy import policy
from gtm_platform.settings import settings
from gtm_platform.state import State
from gtm_platform.state import slack_journal as journal
from gtm_platform.state.slack_journal import Entry

USEFUL, NOT_USEFUL = {"+1", "thumbsup"}, {"-1", "thumbsdown"}
KEPT = timedelta(hours=1)  # of what was said before the first alert


@dataclass(frozen=True)
class FeedbackReport:
    """How many alerts were looked at, and of how many the judgement changed; why channels are not read."""

    looked_at: int
    changed: int
    refusals: tuple[str, ...] = ()


def read_feedback(channel: SlackChannel, state: State) -> FeedbackReport:
    """Read the reactions to each alert about a customer that was sent by itself within the policy's days."""
    since = settings().now() - timedelta(days=policy().alerts.feedback_days)
    with state.reading() as tx:
        sent = journal.sent_since(tx, tuple(routed("customers")), since)
    looked_at = by_themselves(sent)
    changed, refusals = 0, []
    for place in dict.fromkeys(entry.channel for entry in looked_at):
        try:
            reactions = _reactions(channel, place, [entry for entry in looked_at if entry.channel == place])
        except ChannelRefused as failure:
            refusals.append(failure.message)
            continue
        for entry in looked_at:
            if entry.channel == place and entry.ts in reactions:
                changed += _note(state, entry, *reactions[entry.ts])
    return FeedbackReport(len(looked_at), changed, tuple(refusals))


def by_themselves(sent: Sequence[Entry]) -> list[Entry]:
    """Return the alerts with a message of their own; a reaction to a digest is about none in particular."""
    in_message = Counter(entry.text_hash for entry in sent)
    return [entry for entry in sent if entry.ts and in_message[entry.text_hash] == 1]


def _reactions(channel: SlackChannel, place: str, entries: Sequence[Entry]) -> dict[str, tuple[int, int]]:
    """Return by message how many people found it useful, and how many did not."""
    first = min(entry.sent_at for entry in entries if entry.sent_at)
    return {str(message["ts"]): _counts(message) for message in channel.messages(place, first - KEPT)}


def _counts(message: Mapping[str, Any]) -> tuple[int, int]:
    by_name: dict[str, set[str]] = {}
    for reaction in message.get("reactions", ()):
        by_name.setdefault(str(reaction["name"]).split("::")[0], set()).update(reaction["users"])
    useful, not_useful = (
        set().union(*(users for name, users in by_name.items() if name in names)) for names in (USEFUL, NOT_USEFUL)
    )
    return len(useful - not_useful), len(not_useful)


def _note(state: State, entry: Entry, useful: int, not_useful: int) -> bool:
    if (entry.useful, entry.not_useful) == (useful, not_useful):
        return False
    with state.writing() as tx:
        journal.judged(tx, entry.id, useful, not_useful)
    return True
