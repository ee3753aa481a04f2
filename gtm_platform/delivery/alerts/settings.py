"""The variables that Slack is posted to with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings, Text


class SlackSettings(SystemSettings):
    """Slack, as a destination of alerts."""

    title = "Slack"
    required_env = ("SLACK_BOT_TOKEN", "SLACK_ALERT_CHANNEL")
    where = "api.slack.com/apps → your app → OAuth & Permissions"
    permissions = (
        "`chat:write` (`chat:write.public` to post uninvited), `channels:history` and `im:history` (to see what "
        "arrived, and reactions), `im:write` (for direct messages), `files:write` and `files:read` (for pictures of "
        "reports) and `SLACK_SEND_ENABLED=true`"
    )
    when_refused = (
        "invalid_auth is a token that was revoked: install the app to the workspace again and copy the bot token. "
        "not_in_channel: invite the bot to the channel, or give it chat:write.public."
    )

    slack_bot_token: Secret = Field(default=None, description="Bot token (xoxb-…) with chat:write.")
    slack_base_url: str = Field(default="https://slack.com/api/", description="Address of the API, or of a proxy.")
    slack_alert_channel: Text = Field(default=None, description="Id of the channel that gets the alerts, C0123ABCD.")
    slack_ops_channel: Text = Field(
        default=None, description="Id of the data team's channel: failed checks, runs and automations."
    )
    slack_summary_channel: Text = Field(
        default=None, description="Id of the channel that gets daily and weekly summaries; default: that of the alerts."
    )
    slack_signing_secret: Secret = Field(
        default=None, description="Signing secret of the app, for reactions and buttons that come by webhook."
    )
    slack_send_enabled: bool = Field(default=False, description="true lets the platform post.")

    def hints(self) -> tuple[str, ...]:
        """Say what works less without a variable that is not required."""
        if self.slack_ops_channel:
            return ()
        return ("SLACK_OPS_CHANNEL is not set: nobody is notified of failed checks, runs and automations.",)


SETTINGS = SlackSettings
