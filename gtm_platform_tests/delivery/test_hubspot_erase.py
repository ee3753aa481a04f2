"""HubSpot's own deletion under privacy law: for good, once, journaled, and only where writing is allowed."""

from collections.abc import Iterator

import pytest

from gtm_platform.delivery.hubspot.erase import ERASER
from gtm_platform.privacy.outside import erasers
from gtm_platform.sandbox.hubspot import TOKEN
from gtm_platform.sandbox.hubspot.store import HubSpotStore
from gtm_platform.settings import settings
from gtm_platform.state import State
from gtm_platform_tests.delivery.hubspot_account import journal
from gtm_platform_tests.delivery.world import Watched

DELETE = "/contacts/gdpr-delete"


@pytest.fixture
def account(hubspot_api: Watched, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setenv("HUBSPOT_ACCESS_TOKEN", TOKEN)
    monkeypatch.setenv("HUBSPOT_BASE_URL", hubspot_api.url)
    monkeypatch.setenv("HUBSPOT_WRITE_ENABLED", "true")
    settings.cache_clear()
    yield hubspot_api
    settings.cache_clear()


@pytest.mark.usefixtures("account")
def test_a_contact_is_deleted_for_good_and_the_journal_says_so(portal: HubSpotStore, state: State) -> None:
    assert ERASER.erase(state, ["7"], "5f0c9a2b11d4") == 1
    assert "7" not in portal.objects["contacts"]
    assert "8" in portal.objects["contacts"]
    [row] = journal(state, object_id="7")
    assert (row["run_id"], row["property"], row["status"]) == ("erasure-5f0c9a2b11d4", "gdpr_delete", "written")
    assert (row["customer_id"], row["before"]) == ("", "")


def test_done_again_it_deletes_nothing_else(account: Watched, portal: HubSpotStore, state: State) -> None:
    for _ in range(2):
        ERASER.erase(state, ["7"], "5f0c9a2b11d4")
    assert len(portal.objects["contacts"]) == 249
    assert {call.body["objectId"] for call in account.calls_to(DELETE) if call.body} == {"7"}


@pytest.mark.parametrize("lacking", ["HUBSPOT_ACCESS_TOKEN", "HUBSPOT_WRITE_ENABLED"])
def test_where_nothing_may_be_written_it_says_why(
    account: Watched, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    assert ERASER.refusal() is None
    monkeypatch.delenv(lacking)
    settings.cache_clear()
    assert lacking in str(ERASER.refusal())
    assert account.calls == []


def test_it_is_found_by_its_place() -> None:
    assert erasers() == {"hubspot": ERASER}
