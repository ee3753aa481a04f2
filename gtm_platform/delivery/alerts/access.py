"""Whether the bot's token works and its channels exist, learnt by questions: nothing is posted."""

from gtm_platform.delivery.access import DestinationAccess
from gtm_platform.delivery.alerts.settings import SlackSettings
from gtm_platform.delivery.alerts.slack_client import SlackChannel
from gtm_platform.settings import settings_of


def check_access() -> DestinationAccess:
    """Ask for the workspace of the token, and what it may do."""
    channel = SlackChannel.of(settings_of(SlackSettings))
    return DestinationAccess(channel.identity(), channel.missing_scopes())
