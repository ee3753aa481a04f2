"""Whether the hot path may run, in a sentence: what has to be set, and whether somebody or a check stopped it."""

from datetime import datetime

from gtm_platform.delivery.hubspot.settings import HubSpotDeliverySettings
from gtm_platform.policy import policy
from gtm_platform.settings import Settings, settings, settings_of
from gtm_platform.state import State
from gtm_platform.state import audit as trail
from gtm_platform.state.hot_path import Switch, switch_of, turn

RESUME = 'gtm hooks resume --reason "WHY"'


def off(state: State) -> str | None:
    """Say why nothing is delivered hot; None where it is on."""
    with state.reading() as tx:
        switch = switch_of(tx)
    if switch and not switch.is_on:
        return f"Stopped on {switch.at:%Y-%m-%d %H:%M} by {switch.by}: {switch.reason} On again: {RESUME}"
    return not_set_up(settings(), settings_of(HubSpotDeliverySettings))


def not_set_up(config: Settings, hubspot: HubSpotDeliverySettings) -> str | None:
    """Say what the policy or the environment lacks for it; None where it could run."""
    if not policy().hooks.hot.is_on:
        return "The policy says is_on = false in [hooks.hot]."
    if config.gtm_engine != "duckdb":
        return "The hot path computes with DuckDB; GTM_ENGINE says otherwise."
    if not hubspot.hubspot_access_token or not hubspot.hubspot_write_enabled:
        return "HubSpot is not written to: set HUBSPOT_ACCESS_TOKEN and HUBSPOT_WRITE_ENABLED=true."
    return None


def set_switch(state: State, *, is_on: bool, reason: str, by: str, at: datetime) -> None:
    """Stop it or switch it on, and keep who did and why."""
    with state.writing() as tx:
        turn(tx, Switch(is_on, reason, by, at))
        trail.note(tx, at, by, "hot_path.on" if is_on else "hot_path.stop", "hot path", {"reason": reason})
