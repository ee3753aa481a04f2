"""The alerts of the data team: what sensors observed of Dagster, sent to the ops channel and nowhere else."""

from collections.abc import Sequence
from contextlib import closing

from gtm_platform.delivery.alerts.alert import Route
from gtm_platform.delivery.alerts.kinds import routed
from gtm_platform.delivery.alerts.ops_wording import compose
from gtm_platform.delivery.alerts.sender import AlertSender, age_reason
from gtm_platform.delivery.alerts.settings import SlackSettings
from gtm_platform.delivery.alerts.slack_client import OPS_CHANNEL, SlackChannel, off_reason
from gtm_platform.delivery.alerts.wording import Message
from gtm_platform.policy import policy
from gtm_platform.settings import settings, settings_of
from gtm_platform.state import open_state
from gtm_platform.state.slack_journal import Entry, Fact

ROUTE: Route = "ops"


def ops_off_reason() -> str | None:
    """Return which setting is missing for notifications to the data team, or None if they are on.

    They never fall back to another channel.
    """
    return off_reason(settings_of(SlackSettings), OPS_CHANNEL)


def today() -> str:
    """Return the day on which something that is observed now is sent."""
    return f"{settings().now():%Y-%m-%d}"


def send(kinds: Sequence[str], facts: Sequence[Fact]) -> str:
    """Send the facts, and what still waits of these kinds; return what became of them.

    Slack being down is no failure of the caller: what is journaled goes out with a later call.
    """
    config, day = settings(), today()
    if unknown := [kind for kind in kinds if kind not in routed(ROUTE)]:
        raise ValueError(f"{', '.join(unknown)}: no such alert for the ops channel.")

    def composed(entries: Sequence[Entry]) -> list[Message]:
        return compose(entries, policy().alerts.digest_above, config.gtm_ui_url)

    with closing(open_state(config.state_url)) as state:
        sender = AlertSender(SlackChannel.for_ops(settings_of(SlackSettings)), state, kinds, config.now)
        report = sender.send(facts, composed, lambda entry: age_reason(entry, day))
    counts = f"{report.new} new, {report.sent} sent, {report.waiting} waiting"
    return "; ".join([counts, *report.trouble])
