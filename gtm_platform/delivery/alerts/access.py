"""Whether the bot's token works, and where account managers are reached, learnt by questions: nothing is posted."""

from collections.abc import Iterator

from gtm_platform.delivery.access import DestinationAccess, limit_share
from gtm_platform.delivery.alerts.customer_day import read_customers
from gtm_platform.delivery.alerts.settings import SlackSettings
from gtm_platform.delivery.alerts.slack_client import POOL, ChannelRefused, SlackChannel
from gtm_platform.delivery.gate import newest_day
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Alerts, policy
from gtm_platform.settings import settings_of

SHOWN = 5  # account managers in one sentence


def check_access() -> DestinationAccess:
    """Ask for the workspace of the token, what it may do, and for the channels of the account managers."""
    share = limit_share(POOL)
    channel = SlackChannel.of(settings_of(SlackSettings), share)
    identity, rules = channel.identity(), policy().alerts
    notes = (*unreachable(channel, rules), *unrouted(the_lake(), rules))
    return DestinationAccess(identity, channel.missing_scopes(), share.describe(), notes)


def unreachable(channel: SlackChannel, rules: Alerts) -> Iterator[str]:
    """Say which of the policy's channels and people cannot be asked for."""
    for email, manager in rules.account_managers.items():
        try:
            channel.look_up(manager.slack)
        except ChannelRefused as failure:
            yield f"{email}: alerts would go to SLACK_ALERT_CHANNEL. {failure.message}"


def unrouted(lake: Lake, rules: Alerts) -> Iterator[str]:
    """Say which account managers of current customers have no channel in the policy."""
    if not (day := newest_day(lake)):
        return
    rows = read_customers(lake, day, ("assigned_am", "assigned_am_email"))
    emails = {row["assigned_am_email"] or row["assigned_am"] for row in rows} - {None}
    missing = sorted(email for email in emails if rules.account_manager(email) is None)
    if missing:
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        yield (
            f"alerts.account_managers in the policy does not say where {', '.join(missing[:SHOWN])}{more} read alerts: "
            f"theirs go to SLACK_ALERT_CHANNEL."
        )
