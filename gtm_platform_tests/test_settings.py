"""The environment: read once, checked, never shown; each system owns its variables, the example follows from them."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from gtm_platform.cli.environment import connecting_page, env_example, system_settings
from gtm_platform.delivery.alerts.settings import SlackSettings
from gtm_platform.delivery.hubspot.settings import HubSpotDeliverySettings
from gtm_platform.settings import Settings, SettingsError, SystemSettings, settings, settings_of
from gtm_platform.sources.intercom.settings import IntercomSettings
from gtm_platform.sources.stripe.settings import StripeSettings
from gtm_platform.sources.sumble.settings import SumbleSettings

ROOT = Path(__file__).parents[1]
KEY = "sk_test_do_not_show_me"
SYSTEMS = system_settings()
LISTS = {name for kind in SYSTEMS for name, field in kind.model_fields.items() if "_MayBeEmpty" in repr(field)}
SECRETS = [(kind, name) for kind in SYSTEMS for name, field in kind.model_fields.items() if "Secret" in repr(field)]


def test_an_empty_environment_can_be_used() -> None:
    settings()
    for kind in SYSTEMS:
        assert settings_of(kind).missing() == list(kind.required_env)
    assert not settings_of(HubSpotDeliverySettings).hubspot_write_enabled
    assert not settings_of(SlackSettings).slack_send_enabled


@pytest.mark.parametrize(
    ("kind", "variable", "value"),
    [
        (Settings, "GTM_FIRST_DAY", "yesterday"),
        (Settings, "GTM_NOW", "soon"),
        (HubSpotDeliverySettings, "HUBSPOT_WRITE_ENABLED", "perhaps"),
        (IntercomSettings, "INTERCOM_STRIPE_AMOUNT_DIVISOR", "0"),
        (IntercomSettings, "INTERCOM_STRIPE_AMOUNT_DIVISOR", "cents"),
    ],
)
def test_a_bad_value_names_its_variable_and_shows_no_value(
    monkeypatch: pytest.MonkeyPatch, kind: type[Settings], variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    settings.cache_clear()
    with pytest.raises(SettingsError) as caught:
        settings_of(kind)
    message = str(caught.value)
    assert message.startswith(f"The environment cannot be used: {variable}: ")
    assert message.endswith("See .env.example.")
    assert f"'{value}'" not in message


def test_every_bad_value_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_NOW", "soon")
    monkeypatch.setenv("GTM_FIRST_DAY", "perhaps")
    settings.cache_clear()
    with pytest.raises(SettingsError, match=r"GTM_FIRST_DAY: .*; GTM_NOW: "):
        settings()


def test_a_bad_value_of_one_system_is_no_other_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_SEND_ENABLED", "perhaps")
    settings.cache_clear()
    settings()
    assert settings_of(StripeSettings).missing() == ["STRIPE_API_KEY"]


@pytest.mark.parametrize(("kind", "name"), SECRETS)
def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch, kind: type[SystemSettings], name: str) -> None:
    monkeypatch.setenv(name.upper(), KEY)
    settings.cache_clear()
    config = settings_of(kind)
    for shown in (repr(config), str(config), f"{config.model_dump()}", config.model_dump_json()):
        assert KEY not in shown
    assert getattr(config, name).get_secret_value() == KEY


# Where tables lie may be an address with a password; the others let the landers' own APIs be called.
OF_LANDED_TABLES = {
    *("HUBSPOT_LANDED", "INTERCOM_LANDED", "STRIPE_LANDED"),
    *("FIVETRAN_API_KEY", "FIVETRAN_API_SECRET", "AIRBYTE_CLIENT_ID", "AIRBYTE_CLIENT_SECRET"),
}


def test_the_key_of_every_system_is_a_secret() -> None:
    endings = ("_KEY", "_KEYS", "_TOKEN", "_SECRET", "_JSON")
    variables = {name.upper() for kind in SYSTEMS for name in kind.model_fields}
    keys = {name for name in variables if name.endswith(endings)}
    assert keys | OF_LANDED_TABLES <= {name.upper() for _, name in SECRETS}


def test_a_blank_key_is_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "")
    settings.cache_clear()
    assert settings_of(StripeSettings).missing() == ["STRIPE_API_KEY"]


@pytest.mark.parametrize("blank", ["", " "])
@pytest.mark.parametrize("kind", [Settings, *SYSTEMS])
def test_what_is_blank_counts_as_not_set(monkeypatch: pytest.MonkeyPatch, kind: type[Settings], blank: str) -> None:
    """Of lists alone an empty value means none of them."""
    for name in kind.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    settings.cache_clear()
    unset = settings_of(kind).model_dump()
    for name in kind.model_fields:
        monkeypatch.setenv(name.upper(), blank)
    settings.cache_clear()
    shown = settings_of(kind).model_dump()
    assert shown == {name: blank if name in LISTS else value for name, value in unset.items()}


def test_no_folder_is_the_working_directory_for_being_blank(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("GTM_HOME", "GTM_CACHE", "GTM_POLICY", "GTM_SANDBOX_CLOCK"):
        monkeypatch.setenv(name, "")
    settings.cache_clear()
    assert (settings().home, settings().cache) == (tmp_path / ".gtm", tmp_path / ".gtm" / "cache")
    assert settings().gtm_policy is settings().gtm_sandbox_clock is None


def test_nothing_of_a_list_can_be_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_of(SumbleSettings).competitors
    monkeypatch.setenv("SUMBLE_COMPETITORS", "")
    settings.cache_clear()
    assert settings_of(SumbleSettings).competitors == ()


def test_a_moment_without_a_zone_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_NOW", "2026-03-01T06:00:00")
    monkeypatch.setenv("GTM_FIRST_DAY", "2025-11-01")
    settings.cache_clear()
    assert settings().now() == settings_of(StripeSettings).now() == datetime(2026, 3, 1, 6, tzinfo=UTC)
    assert settings().gtm_first_day == date(2025, 11, 1)


def test_now_is_now() -> None:
    before = datetime.now(UTC)
    assert before <= settings().now() <= datetime.now(UTC)


@pytest.mark.parametrize("kind", SYSTEMS)
def test_every_system_says_where_its_keys_are_and_what_to_do_when_refused(kind: type[SystemSettings]) -> None:
    assert kind.title
    assert kind.where
    assert kind.permissions
    assert kind.when_refused
    assert all(field.description for field in kind.model_fields.values())


def test_the_example_is_what_the_settings_declare() -> None:
    """`make env-example` writes it anew."""
    assert (ROOT / ".env.example").read_text() == env_example()


def test_the_table_of_systems_is_what_the_settings_declare() -> None:
    text = (ROOT / "docs" / "connecting.md").read_text()
    assert text == connecting_page(text)
