"""A home belongs to its accounts: another account of a system is refused before anything is read or written."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from gtm_platform.accounts import (
    AccountIdentity,
    OtherAccount,
    accounts_of_home,
    describe_account,
    forget_account_of_home,
    require_own_account,
)
from gtm_platform.delivery.alerts.settings import SlackSettings
from gtm_platform.delivery.alerts.slack_client import Post, SlackChannel
from gtm_platform.delivery.hubspot.client import HubSpotObjects, open_client
from gtm_platform.delivery.hubspot.object_types.contacts import OBJECT_TYPE as CONTACTS
from gtm_platform.delivery.hubspot.settings import HubSpotDeliverySettings
from gtm_platform.ingest.source import Source
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.settings import settings, settings_of
from gtm_platform.sources.assets import SOURCES
from gtm_platform.state import audit, open_state
from gtm_platform.state.accounts import PinnedAccount, pin_account, pinned_accounts

OURS = AccountIdentity("hubspot", "111", "HubSpot portal 111")
OTHER = AccountIdentity("hubspot", "222", "HubSpot portal 222")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("GTM_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield tmp_path / "home"
    settings.cache_clear()


def test_the_first_account_is_pinned_and_stays_welcome() -> None:
    require_own_account(OURS)
    require_own_account(replace(OURS, label="HubSpot portal 111, renamed"))
    [account] = accounts_of_home()
    assert (account.system, account.account_id, account.label) == ("hubspot", "111", "HubSpot portal 111")


def test_another_account_is_refused_in_a_sentence_that_names_both(home: Path) -> None:
    require_own_account(OURS)
    with pytest.raises(OtherAccount) as refused:
        require_own_account(OTHER)
    sentence = str(refused.value)
    assert f"The home {home} belongs to HubSpot portal 111" in sentence
    assert "opens HubSpot portal 222" in sentence
    assert "gtm accounts forget hubspot" in sentence
    assert [account.account_id for account in accounts_of_home()] == ["111"]


def test_each_system_has_its_own_account() -> None:
    require_own_account(OURS)
    require_own_account(AccountIdentity("stripe", "acct_1/test", "Stripe account acct_1, test mode"))
    with pytest.raises(OtherAccount, match="Stripe account acct_1, live mode"):
        require_own_account(AccountIdentity("stripe", "acct_1/live", "Stripe account acct_1, live mode"))


def test_describing_an_account_pins_nothing() -> None:
    assert "will belong" in describe_account(OURS)
    assert accounts_of_home() == []
    require_own_account(OURS)
    assert describe_account(OURS) == "HubSpot portal 111, to which this home belongs"
    with pytest.raises(OtherAccount):
        describe_account(OTHER)


def test_what_is_forgotten_is_pinned_anew_and_the_audit_trail_remembers() -> None:
    require_own_account(OURS)
    forgotten = forget_account_of_home("hubspot")
    assert forgotten is not None
    assert forgotten.account_id == "111"
    assert forget_account_of_home("hubspot") is None
    require_own_account(OTHER)
    assert [account.account_id for account in accounts_of_home()] == ["222"]
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        [entry] = audit.entries(tx, "account.forget")
    assert entry["detail"] == {"account_id": "111", "label": "HubSpot portal 111"}


def test_of_two_runs_that_pin_at_once_the_first_counts() -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    first, second = (PinnedAccount("hubspot", id, id, moment) for id in ("111", "222"))
    with closing(open_state(settings().state_url)) as state:
        with state.writing() as tx:
            pin_account(tx, first)
        with state.writing() as tx:
            assert pin_account(tx, second) == first
            with pytest.raises(sa.exc.IntegrityError), tx.begin_nested():
                tx.execute(sa.text("insert into accounts values ('hubspot', '222', '222', '2026-03-01')"))
            assert pinned_accounts(tx) == [first]


def test_every_source_of_an_account_says_which_one_it_is() -> None:
    assert [source.name for source in SOURCES if source.identity is None] == []


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with running(20, 1, datetime(2026, 3, 1, tzinfo=UTC)) as box:
        for name, value in box.env.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        yield box


def identity_of(source: Source) -> AccountIdentity | None:
    with source.open() as client:
        return source.account(client)


@pytest.mark.usefixtures("box")
def test_systems_say_which_account_a_key_opens() -> None:
    named = [source for source in SOURCES if callable(source.identity) and source.name != "orb"]  # without plans yet
    identities = [identity for source in named if (identity := identity_of(source))]
    identities.append(SlackChannel.of(settings_of(SlackSettings)).identity())
    assert [identity.system for identity in identities] == [*(source.name for source in named), "slack"]
    assert all(identity.account_id.partition("/")[0] in identity.label for identity in identities)
    assert next(each for each in identities if each.system == "stripe").account_id.endswith("/test")


def test_a_restricted_stripe_key_may_be_refused_its_account_and_still_names_it(box: Sandbox) -> None:
    refusal = "The provided key 'rk_test_***' does not have the required permissions for this endpoint on account"
    body = {"error": {"type": "invalid_request_error", "message": f"{refusal} 'acct_1AbCdEf'."}}
    fault = {"system": "stripe", "path": "/v1/account", "status": 403, "body": body}
    httpx.post(f"{box.url}/_sandbox/faults", json=fault, trust_env=False).raise_for_status()
    [stripe] = [source for source in SOURCES if source.name == "stripe"]
    account = identity_of(stripe)
    assert account is not None
    assert account.account_id == "acct_1AbCdEf/test"


@pytest.mark.usefixtures("box")
def test_nothing_is_posted_to_another_workspace(box: Sandbox) -> None:
    require_own_account(AccountIdentity("slack", "T0OTHER0001", "Slack workspace T0OTHER0001 (Other)"))
    post = Post("C0", "A secret of another company", [], "fingerprint", "key")
    with pytest.raises(OtherAccount, match="belongs to Slack workspace T0OTHER0001"):
        SlackChannel.of(settings_of(SlackSettings)).post(post)
    messages = httpx.get(f"{box.url}/_sandbox/slack/messages", trust_env=False).json()["messages"]
    assert messages == []


@pytest.mark.usefixtures("box")
def test_no_contact_of_another_portal_is_read_or_written(box: Sandbox) -> None:
    require_own_account(OURS)
    with pytest.raises(OtherAccount, match="belongs to HubSpot portal 111"):
        HubSpotObjects(open_client(settings_of(HubSpotDeliverySettings)), CONTACTS).read(["1"])
    requests = httpx.get(f"{box.url}/_sandbox/requests", trust_env=False).json()["requests"]
    assert {row["path"] for row in requests if row["system"] == "hubspot"} == {"/account-info/v3/details"}
