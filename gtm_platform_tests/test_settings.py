"""The environment: read once, checked, and never shown."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from gtm_platform.settings import Settings, SettingsError, settings

EXAMPLE = Path(__file__).parents[1] / ".env.example"
SECRETS = ("HUBSPOT_ACCESS_TOKEN", "STRIPE_API_KEY", "INTERCOM_ACCESS_TOKEN", "SLACK_BOT_TOKEN")
KEY = "sk_test_do_not_show_me"


def test_an_empty_environment_can_be_used() -> None:
    assert settings().missing(*SECRETS) == list(SECRETS)
    assert not settings().hubspot_write_enabled
    assert not settings().slack_send_enabled


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GTM_FIRST_DAY", "yesterday"),
        ("GTM_NOW", "soon"),
        ("HUBSPOT_WRITE_ENABLED", "perhaps"),
        ("INTERCOM_STRIPE_AMOUNT_DIVISOR", "0"),
        ("INTERCOM_STRIPE_AMOUNT_DIVISOR", "cents"),
    ],
)
def test_a_bad_value_names_its_variable_and_shows_no_value(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("STRIPE_API_KEY", KEY)
    settings.cache_clear()
    with pytest.raises(SettingsError) as told:
        settings()
    said = str(told.value)
    assert said.startswith(f"The environment cannot be used: {variable}: ")
    assert said.endswith("See .env.example.")
    assert KEY not in said
    assert f"'{value}'" not in said


def test_every_bad_value_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_NOW", "soon")
    monkeypatch.setenv("SLACK_SEND_ENABLED", "perhaps")
    settings.cache_clear()
    with pytest.raises(SettingsError, match=r"GTM_NOW: .*; SLACK_SEND_ENABLED: "):
        settings()


@pytest.mark.parametrize("variable", SECRETS)
def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, KEY)
    settings.cache_clear()
    found = settings()
    for shown in (repr(found), str(found), f"{found.model_dump()}", found.model_dump_json()):
        assert KEY not in shown
    assert getattr(found, variable.lower()).get_secret_value() == KEY


def test_a_blank_key_is_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "")
    settings.cache_clear()
    assert settings().missing("STRIPE_API_KEY") == ["STRIPE_API_KEY"]


def test_a_moment_without_a_zone_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_NOW", "2026-03-01T06:00:00")
    monkeypatch.setenv("GTM_FIRST_DAY", "2025-11-01")
    settings.cache_clear()
    assert settings().now() == datetime(2026, 3, 1, 6, tzinfo=UTC)
    assert settings().gtm_first_day == date(2025, 11, 1)


def test_now_is_now() -> None:
    before = datetime.now(UTC)
    assert before <= settings().now() <= datetime.now(UTC)


def test_every_variable_stands_in_the_example() -> None:
    told = set(re.findall(r"^#?([A-Z][A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE))
    assert told == {name.upper() for name in Settings.model_fields}
