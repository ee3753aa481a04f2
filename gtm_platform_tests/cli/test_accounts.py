"""`gtm accounts`: what a home belongs to, and letting go of it."""

import pytest
from click.testing import CliRunner

from gtm_platform.accounts import AccountIdentity, accounts_of_home, require_own_account
from gtm_platform.cli import gtm
from gtm_platform.settings import settings
from gtm_platform_tests.cli.conftest import Command


@pytest.fixture
def pinned() -> None:
    settings.cache_clear()
    require_own_account(AccountIdentity("hubspot", "111", "HubSpot portal 111"))


def test_a_new_home_has_none(command: Command) -> None:
    answer = command("accounts")
    assert answer.exit_code == 0
    assert answer.stdout.startswith("No account yet")


@pytest.mark.usefixtures("pinned")
def test_they_are_listed(command: Command) -> None:
    assert command("accounts").stdout.startswith("hubspot    HubSpot portal 111, since 20")


@pytest.mark.usefixtures("pinned", "command")
def test_one_is_forgotten_only_when_a_person_confirms_it() -> None:
    declined = CliRunner().invoke(gtm, ["accounts", "forget", "hubspot"], input="n\n")
    assert declined.exit_code == 1
    assert "belongs to HubSpot portal 111. What was read from it stays there" in declined.stdout
    assert len(accounts_of_home()) == 1
    confirmed = CliRunner().invoke(gtm, ["accounts", "forget", "hubspot"], input="y\n")
    assert confirmed.exit_code == 0
    assert accounts_of_home() == []


@pytest.mark.usefixtures("pinned")
def test_what_is_not_pinned_cannot_be_forgotten(command: Command) -> None:
    answer = command("accounts", "forget", "stripe", "--yes")
    assert answer.exit_code == 1
    assert "no account of 'stripe' (it has: hubspot)" in answer.stderr
