"""An emulator of PostHog's private API: queries in HogQL, and the lists of persons and cohorts.

Events are not accepted: what people do is the world's affair.
"""

from gtm_platform.sandbox.kit.emulator import Emulator
from gtm_platform.sandbox.posthog.access import DOCUMENTED, TOKEN, Limits
from gtm_platform.sandbox.posthog.app import app
from gtm_platform.sandbox.posthog.store import PROJECT_ID
from gtm_platform.sandbox.posthog.web_visits import COMPANY_PROPERTY, CONVERSION, WEB_HOST

EMULATOR = Emulator(
    name="posthog",
    title="PostHog",
    store=lambda world: world.posthog,
    app=lambda store, clock, _persist: app(store, clock),
    environment=lambda url: {
        "POSTHOG_API_KEY": TOKEN,
        "POSTHOG_PROJECT_ID": "@current",  # where no world names it
        "POSTHOG_HOST": url,
        "POSTHOG_WEB_HOSTS": WEB_HOST,
        "POSTHOG_CONVERSION_EVENTS": CONVERSION,
        "POSTHOG_COMPANY_PROPERTY": COMPANY_PROPERTY,
    },
    account=lambda store: {"POSTHOG_PROJECT_ID": str(store.project_id)},
    limits=DOCUMENTED,
)

__all__ = ["EMULATOR", "PROJECT_ID", "TOKEN", "Limits", "app"]
