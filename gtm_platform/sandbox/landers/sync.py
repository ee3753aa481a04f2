"""One sync of a lander: every system that it knows, read from the emulators and landed in a folder."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from gtm_platform.sandbox.landers import airbyte, fivetran
from gtm_platform.sandbox.landers.answers import SystemApi
from gtm_platform.sandbox.landers.tables import land

LANDERS = {"fivetran": fivetran, "airbyte": airbyte}
KEYS = {"hubspot": "HUBSPOT_ACCESS_TOKEN", "stripe": "STRIPE_API_KEY", "intercom": "INTERCOM_ACCESS_TOKEN"}
HEADERS = {
    "stripe": {"fivetran": {}, "airbyte": {"Stripe-Version": "2022-11-15"}},
    "intercom": {"fivetran": {"Intercom-Version": "2.14"}, "airbyte": {"Intercom-Version": "2.14"}},
}


def sync(lander: str, environment: Mapping[str, str], into: Path, at: datetime) -> dict[str, dict[str, int]]:
    """Land every system in a folder each, stamped `at`; return the rows written, by system and table."""
    written = {}
    for system, layout in LANDERS[lander].LAYOUTS.items():
        url, key = environment[f"{system.upper()}_BASE_URL"], environment[KEYS[system]]
        api = SystemApi.open(url, key, **HEADERS.get(system, {}).get(lander, {}))
        with api.client:
            written[system] = land(into / system, layout(api), LANDERS[lander].MARKS, at)
    return written


def variables(lander: str, into: Path) -> dict[str, str]:
    """Return the variables that make the platform read what was landed."""
    ways = {f"{system.upper()}_VIA": lander for system in KEYS}
    return ways | {f"{system.upper()}_LANDED": str(into.resolve()) for system in KEYS}
