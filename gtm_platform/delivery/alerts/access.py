"""Whether the bot's token works and its channels exist, learnt by questions: nothing is posted."""

from gtm_platform.delivery.access import DestinationAccess, limit_share
from gtm_platform.delivery.alerts.settings import SlackSettings
from gtm_platform.delivery.alerts.slack_client import POOL, SlackChannel
from gtm_platform.settings import settings_of


def check_access() -> DestinationAccess:
    """Ask for the workspace of the token, and what it may do."""
    share = limit_share(POOL)
    channel = SlackChannel.of(settings_of(SlackSettings), share)
    return DestinationAccess(channel.identity(), channel.missing_scopes(), share.describe())
