"""The variables that PostHog is read with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings, Text


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
    posthog_signup_event: str = Field(
        default="user_signed_up", description="What the product calls the event of signing up."
    )
    posthog_login_event: str = Field(
        default="user_logged_in", description="What the product calls the event of logging in."
    )
