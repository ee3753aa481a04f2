"""The variables that PostHog is read with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings, Text, Words, words


class PostHogSettings(SystemSettings):
    """What PostHog is read with."""

    title = "PostHog"
    required_env = ("POSTHOG_API_KEY", "POSTHOG_PROJECT_ID")
    where = "Settings → Personal API keys → Create; the project's id stands under Settings → Project"
    permissions = "query:read and project:read, for the one project"
    when_refused = (
        "A 401 is a key of another region or one that was rolled: check POSTHOG_HOST and make a new key. A 403 names "
        "the scope that is missing: edit the key. A 404 is a project that the key does not reach: check "
        "POSTHOG_PROJECT_ID."
    )

    posthog_api_key: Secret = Field(default=None, description="Personal API key of PostHog, read only.")
    posthog_project_id: Text = Field(default=None, description="Id of the project that the product reports to.")
    posthog_host: str = Field(
        default="https://us.posthog.com",
        description="Address of PostHog: https://eu.posthog.com for that region, or your own.",
    )
    posthog_webhook_secret: Secret = Field(
        default=None, description="Secret that the destination HTTP Webhook sends in a header of ours."
    )
    posthog_signup_event: str = Field(
        default="user_signed_up", description="What the product calls the event of signing up."
    )
    posthog_login_event: str = Field(
        default="user_logged_in", description="What the product calls the event of logging in."
    )
    posthog_web_hosts: Text = Field(
        default=None,
        description="Hosts of the web site, separated by commas, e.g. www.acme.com: their visits are counted.",
    )
    posthog_conversion_events: Words = Field(
        default="user_signed_up", description="Events that are a conversion of a visit, separated by commas."
    )
    posthog_company_property: Text = Field(
        default=None,
        pattern=r"^[A-Za-z_$][A-Za-z0-9_$]*$",
        description="Property of a page view with the visitor's company domain, else their address tells it.",
    )

    @property
    def web_hosts(self) -> tuple[str, ...]:
        """The hosts of the web site."""
        return words((self.posthog_web_hosts or "").lower())

    @property
    def conversion_events(self) -> tuple[str, ...]:
        """The events that are a conversion."""
        return words(self.posthog_conversion_events)

    def hints(self) -> tuple[str, ...]:
        """Say what is not counted as long as nobody says which hosts are the web site."""
        return () if self.posthog_web_hosts else ("set POSTHOG_WEB_HOSTS, if PostHog sees your web site, too",)
