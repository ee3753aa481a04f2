"""Signing in to the dashboard by OpenID Connect: its settings, and what they come to. Without them nobody signs in."""

from importlib.util import find_spec
from typing import Any

from gtm_platform.settings import Settings, SettingsError

VARIABLES = ("gtm_oidc_metadata_url", "gtm_oidc_client_id", "gtm_oidc_client_secret", "gtm_oidc_cookie_secret")
SHORTEST_COOKIE_SECRET = 32
CALLBACK = "/oauth2callback"


def is_on(config: Settings) -> bool:
    """Whether people sign in; SettingsError where the settings, or what is installed, are incomplete.

    A dashboard that is half configured is not shown to everybody instead.
    """
    named = [name for name in VARIABLES if getattr(config, name)]
    if not named:
        return False
    missing = [name.upper() for name in VARIABLES if name not in named]
    if not config.gtm_dashboard_url:
        missing.append("GTM_DASHBOARD_URL")
    if missing:
        raise SettingsError(f"Signing in to the dashboard needs {' and '.join(missing)}, too; or none of GTM_OIDC_*.")
    if len(_secret(config, "gtm_oidc_cookie_secret")) < SHORTEST_COOKIE_SECRET:
        raise SettingsError(f"GTM_OIDC_COOKIE_SECRET is too short: take {SHORTEST_COOKIE_SECRET} random characters.")
    if find_spec("authlib") is None:
        raise SettingsError("Signing in to the dashboard needs Authlib: pip install 'gtm-platform[oidc]'.")
    return True


def secrets_of(config: Settings) -> dict[str, Any]:
    """Return the settings as Streamlit takes them. They are handed to it in memory, and are in no file."""
    return {
        "auth": {
            "redirect_uri": f"{(config.gtm_dashboard_url or '').rstrip('/')}{CALLBACK}",
            "cookie_secret": _secret(config, "gtm_oidc_cookie_secret"),
            "client_id": config.gtm_oidc_client_id,
            "client_secret": _secret(config, "gtm_oidc_client_secret"),
            "server_metadata_url": config.gtm_oidc_metadata_url,
        }
    }


def _secret(config: Settings, name: str) -> str:
    value = getattr(config, name)
    return str(value.get_secret_value()) if value else ""
