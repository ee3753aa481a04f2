"""An erased person does not come back: what a system sends of them again does not land."""

import json
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gtm_platform.definitions  # noqa: F401  declares every table
from gtm_platform.identity import normalise
from gtm_platform.ingest.addresses import normal_address
from gtm_platform.ingest.record import Reader, Record, with_facts
from gtm_platform.ingest.suppression import (
    LandingFilter,
    PrivacyKey,
    Suppressed,
    of_address,
    of_record,
    suppressed_of_home,
)
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.settings import SettingsError, settings
from gtm_platform.sources.chroma_admin.records import Account
from gtm_platform.sources.hubspot.records import Contact
from gtm_platform.state import open_state
from gtm_platform.state.erasures import Suppression, suppress
from gtm_platform_tests.privacy.small_home import BOB, JANE, JANES_NAME, KEY

WHEN = "2026-03-01T00:00:00Z"
PRIVACY = PrivacyKey(KEY.encode())


def filter_of(table: str, *texts: str) -> LandingFilter:
    return LandingFilter(table, Suppressed({PRIVACY.id: {PRIVACY.digest(text) for text in texts}}, (PRIVACY,)))


def contact(id: str, email: str, **more: str) -> bytes:
    properties = {"email": email, "firstname": "A", "lastmodifieddate": WHEN, "createdate": WHEN, **more}
    return json.dumps({"id": id, "properties": properties, "createdAt": WHEN, "updatedAt": WHEN}).encode()


def account(id: str, email: str | None, members: Sequence[str]) -> bytes:
    return json.dumps(
        {"account_id": id, "email": email, "member_emails": list(members), "company_name": "Firm", "created_at": WHEN}
    ).encode()


def landed(landing: LandingFilter, record: type[Record], *raws: bytes) -> tuple[list[Any], list[bytes], int]:
    good, kept, bad = landing.keep(*Reader(record).read(list(raws)))
    return list(good), list(kept), len(bad)


@pytest.mark.parametrize("spelling", [JANE, JANE.upper(), "Jane.Roe+news@firm.example", f" {JANE} "])
def test_a_new_record_of_an_erased_address_does_not_land(spelling: str) -> None:
    landing = filter_of("hubspot/contacts", of_address(JANE))
    good, _, _ = landed(landing, Contact, contact("900", spelling), contact("502", BOB))
    assert [row.id for row in good] == ["502"]
    assert landing.dropped == 1


def test_a_record_that_was_hers_does_not_land_without_her_address_either() -> None:
    landing = filter_of("hubspot/contacts", of_record("hubspot/contacts", "501"))
    good, _, _ = landed(landing, Contact, contact("501", "new@firm.example"), contact("502", BOB))
    assert [row.id for row in good] == ["502"]


def test_an_account_of_several_lands_without_her() -> None:
    landing = filter_of("chroma_admin/accounts", of_address(JANE))
    [shared], [payload], _ = landed(landing, Account, account("acc_1", JANE, [JANE, BOB]))
    assert (shared.email, shared.member_emails, payload) == (None, [BOB], b"")
    assert landing.redacted == 1


def test_a_field_that_no_column_holds_takes_the_payload_with_it() -> None:
    landing = filter_of("hubspot/contacts", of_address(JANE))
    [bob], [payload], _ = landed(landing, Contact, contact("502", BOB, assistant=f"Jane <{JANE}>"))
    assert (bob.email, payload) == (BOB, b"")


def test_what_cannot_be_read_is_not_quarantined_where_it_is_hers() -> None:
    landing = filter_of("hubspot/contacts", of_address(JANE), of_record("hubspot/contacts", "501"))
    bad = [b'{"id": "501"', json.dumps({"nobody": JANE}).encode(), b'{"id": "502"}']
    _, _, kept = landed(landing, Contact, *bad)
    assert kept == 2, "the first shows nobody's id, as it is cut"
    assert landing.dropped == 1


def test_where_nobody_was_erased_a_page_passes_as_it_came() -> None:
    page: list[bytes] = [with_facts(contact("501", JANE))]
    good, raws, bad = LandingFilter("hubspot/contacts", None).keep(*Reader(Contact).read(page))
    assert (len(good), raws, bad) == (1, page, [])


def test_without_its_key_nothing_lands(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        suppress(tx, [Suppression(PRIVACY.digest(of_address(JANE)), PRIVACY.id)], "e", datetime(2026, 3, 1, tzinfo=UTC))
    with pytest.raises(SettingsError, match=PRIVACY.id):
        suppressed_of_home()
    monkeypatch.setenv("GTM_PRIVACY_KEY", f"{'n' * 40},{KEY}")
    settings.cache_clear()
    suppressed = suppressed_of_home()
    assert suppressed
    assert suppressed.is_named(JANE)
    assert not suppressed.is_named(BOB)


def test_hashes_tell_nothing_without_the_key() -> None:
    other = PrivacyKey(b"n" * 40)
    assert other.digest(of_address(JANE)) != PRIVACY.digest(of_address(JANE))
    assert JANES_NAME not in repr(filter_of("hubspot/contacts", of_address(JANE)))


LOCALS = st.text(st.sampled_from("abZ.+-_é\u200b "), min_size=1, max_size=8)
DOMAINS = st.sampled_from(["acme.com", "GMail.com", "googlemail.com", "gmx.de", "Yahoo.co.uk", "x", "ä.example"])


def test_addresses_have_the_same_form_here_and_in_tables() -> None:
    """Many at once: to compile a query for each takes far longer."""
    addresses: list[str] = []

    @given(LOCALS, DOMAINS, st.sampled_from(["", " ", "\u200b", "@"]))
    def collect(local: str, domain: str, around: str) -> None:
        addresses.append(f"{around}{local}@{domain}{around}")

    collect()
    import ibis

    table = ibis.memtable({"raw": addresses})
    normal = engine().to_pyarrow(table.select("raw", normal=normalise.email(table["raw"]))).to_pylist()
    assert {row["raw"]: row["normal"] for row in normal} == {text: normal_address(text) for text in addresses}
