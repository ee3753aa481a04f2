"""What is read from landed tables: the present version of each record, what is gone, and how old it may be."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.http.errors import BadRequest, InvalidResponse, Unavailable
from gtm_platform.ingest.record import Reader
from gtm_platform.ingest.source import BEGINNING, Source, Stream, Window
from gtm_platform.lake.lake import Lake
from gtm_platform.sources.hubspot.source import SOURCE as HUBSPOT
from gtm_platform.sources.intercom.source import SOURCE as INTERCOM
from gtm_platform.sources.stripe.source import SOURCE as STRIPE
from gtm_platform_tests.ingest.syncing import Clock, Syncing
from gtm_platform_tests.sources.landed.conftest import Open, land

DAY = datetime(2026, 3, 1, tzinfo=UTC)
NIGHT, NOON, MIDNIGHT = DAY, DAY + timedelta(hours=12), DAY + timedelta(days=1)
LONG_AGO = DAY - timedelta(days=90)
ALL = Window(BEGINNING, MIDNIGHT, full=True)


def company(number: int, name: str, modified: datetime = LONG_AGO, **more: Any) -> dict[str, Any]:
    """A company as Fivetran lands it."""
    row = {"id": number, "portal_id": 77, "property_name": name, "property_hs_lastmodifieddate": modified}
    return {**row, "_fivetran_deleted": False, "_fivetran_synced": MIDNIGHT, **more}


def read(source: Source, client: Any, name: str, window: Window = ALL) -> list[Any]:
    """The records of a stream."""
    stream = adapted(source, client, name)
    pages = [Reader(stream.record, stream.key).read(page) for page in stream.pages(client, window)]
    assert [bad.reason for _, _, rejected in pages for bad in rejected] == []
    return [record for good, _, _ in pages for record in good]


def adapted(source: Source, client: Any, name: str) -> Stream:
    stream = source.stream_for(client, next(each for each in source.streams if each.name == name))
    assert isinstance(stream, Stream), stream
    return stream


# --- records ---------------------------------------------------------------------------------------------------------


def test_a_column_that_was_not_landed_is_null_and_is_named(place: Path, open_landed: Open) -> None:
    land(place, "hubspot", company=[company(1, "Acme")])
    with open_landed(HUBSPOT, "fivetran") as client:
        (acme,) = read(HUBSPOT, client, "companies")
        assert (acme.id, acme.name, acme.domain, acme.updated_at) == ("1", "Acme", None, LONG_AGO)
        notes = " ".join(client.notes())
    assert "company.property_annualrevenue" in notes
    assert "hubspot/contacts is off: Fivetran has landed no table contact in the schema hubspot." in notes


def test_column_names_differ_in_case_between_warehouses(place: Path, open_landed: Open) -> None:
    row = {name.upper(): value for name, value in company(1, "Acme", property_domain="acme.example").items()}
    land(place, "hubspot", COMPANY=[row])
    with open_landed(HUBSPOT, "fivetran") as client:
        (acme,) = read(HUBSPOT, client, "companies")
    assert (acme.name, acme.domain) == ("Acme", "acme.example")


def test_the_account_is_the_one_that_the_api_names(place: Path, open_landed: Open) -> None:
    land(place, "hubspot", company=[company(1, "Acme")])
    with open_landed(HUBSPOT, "fivetran") as client:
        account = HUBSPOT.account(client)
        assert account is not None
        assert (account.system, account.account_id, account.label) == ("hubspot", "77", "HubSpot portal 77")
        assert "as Fivetran has landed it in the schema hubspot, last synced 2026-03-02 00:00" in HUBSPOT.check(client)


def test_accounts_beside_each_other_name_none(place: Path, open_landed: Open) -> None:
    land(place, "hubspot", company=[company(1, "Acme"), company(2, "Bolt", portal_id=78)])
    with open_landed(HUBSPOT, "fivetran") as client:
        assert HUBSPOT.account(client) is None


def test_of_a_history_the_present_version_counts(place: Path, open_landed: Open) -> None:
    marks = {"updated_at": LONG_AGO, "created_at": LONG_AGO, "_fivetran_synced": MIDNIGHT}
    rows = [
        {"id": "a", "name": "Ada L.", "_fivetran_active": False, **marks},
        {"id": "a", "name": "Ada", "_fivetran_active": True, **marks},
    ]
    links = [
        {"contact_id": "a", "company_id": company_id, "_fivetran_active": active, "_fivetran_synced": MIDNIGHT}
        for company_id, active in (("left", False), ("joined", True))
    ]
    land(place, "intercom", contact_history=rows, contact_company_history=links)
    with open_landed(INTERCOM, "fivetran") as client:
        (ada,) = read(INTERCOM, client, "contacts")
    assert (ada.name, ada.company_ids, ada.created_at) == ("Ada", ["joined"], LONG_AGO)


def test_of_rows_that_airbyte_appended_the_newest_counts(place: Path, open_landed: Open) -> None:
    rows = [
        {"id": "1", "name": name, "updated_at": 1_767_225_600, "_airbyte_extracted_at": at}
        for name, at in (("new", MIDNIGHT), ("old", LONG_AGO))
    ]
    land(place, "intercom", companies=rows)
    with open_landed(INTERCOM, "airbyte") as client:
        assert [each.name for each in read(INTERCOM, client, "companies")] == ["new"]


def test_properties_are_read_from_the_object_where_they_have_no_columns(place: Path, open_landed: Open) -> None:
    properties = '{"dealname":"Pilot","hs_lastmodifieddate":"2026-01-05T00:00:00Z"}'
    row = {"id": "9", "properties": properties, "updatedAt": "2026-01-05T00:00:00Z", "contacts": '["4","5"]'}
    land(place, "hubspot", deals=[{**row, "archived": False, "_airbyte_extracted_at": MIDNIGHT}])
    with open_landed(HUBSPOT, "airbyte") as client:
        (deal,) = read(HUBSPOT, client, "deals")
    assert (deal.name, deal.updated_at) == ("Pilot", datetime(2026, 1, 5, tzinfo=UTC))


def test_what_a_lander_has_no_table_for_is_off_and_says_so(place: Path, open_landed: Open) -> None:
    land(place, "intercom", tags=[{"id": "1", "name": "vip", "_airbyte_extracted_at": MIDNIGHT}])
    tickets = next(each for each in INTERCOM.streams if each.name == "tickets")
    with open_landed(INTERCOM, "airbyte") as client:
        sentence = INTERCOM.stream_for(client, tickets)
    advice = "Set INTERCOM_ACCESS_TOKEN to have it read by the API."
    assert sentence == f"intercom/tickets is off: Airbyte does not land it. {advice}"


# --- what is not landed whole, without the API's key -----------------------------------------------------------------


def test_fivetrans_tickets_lack_their_titles(place: Path, open_landed: Open) -> None:
    marks = {"_fivetran_active": True, "_fivetran_synced": MIDNIGHT}
    ticket = {"id": "9", "ticket_id": "41", "category": "Customer", "open": True, "ticket_state_id": "1", **marks}
    land(
        place,
        "intercom",
        ticket_history=[{**ticket, "created_at": LONG_AGO, "updated_at": NOON, "admin_assignee_id": "0"}],
        ticket_contact_history=[{"id": "ada", "ticket_id": "9", **marks}],
        ticket_state=[{"id": "1", "category": "in_progress", "_fivetran_synced": MIDNIGHT}],
    )
    with open_landed(INTERCOM, "fivetran") as client:
        (read_ticket,) = read(INTERCOM, client, "tickets")
        notes = " ".join(client.notes())
    assert (read_ticket.contact_id, read_ticket.state, read_ticket.title) == ("ada", "in_progress", None)
    assert (read_ticket.open, read_ticket.admin_id, read_ticket.updated_at) == (True, None, NOON)
    assert "intercom/tickets is read without the titles of tickets: Fivetran does not land that. Set INTERCOM" in notes


def test_an_account_that_landed_the_products_of_its_coupons_needs_no_api(place: Path, open_landed: Open) -> None:
    coupon = {"id": "half", "percent_off": 50.0, "duration": "forever", "created": LONG_AGO}
    land(place, "stripe", coupon=[{**coupon, "_fivetran_synced": MIDNIGHT}])
    with open_landed(STRIPE, "fivetran") as client:
        assert "stripe/coupons is read without which products a coupon is for" in " ".join(client.notes())
    products = {"applies_to_products": '["prod_1"]', "_fivetran_synced": MIDNIGHT}
    land(place, "stripe", coupon=[{**coupon, **products}])
    with open_landed(STRIPE, "fivetran") as client:
        assert "stripe/coupons" not in " ".join(client.notes())
        assert [each.product_ids for each in read(STRIPE, client, "coupons")] == [["prod_1"]]


def test_links_are_read_with_the_types_that_hubspot_makes(place: Path, open_landed: Open) -> None:
    contact = {"id": 5, "property_associatedcompanyid": 7, "property_lastmodifieddate": LONG_AGO}
    links = [{"deal_id": 9, "contact_id": 5, "type_id": 3, "category": "HUBSPOT_DEFINED"}]
    synced = {"_fivetran_synced": MIDNIGHT}
    deals = [{"deal_id": 9, "property_hs_lastmodifieddate": LONG_AGO, **synced}]
    land(place, "hubspot", contact=[{**contact, **synced}], deal=deals, deal_contact=[{**links[0], **synced}])
    with open_landed(HUBSPOT, "fivetran") as client:
        by_fivetran = linked(read(HUBSPOT, client, "associations"))
    assert by_fivetran == {("contacts", "5", "companies"): [("7", 1)], ("deals", "9", "contacts"): [("5", 3)]}
    row = {"id": "5", "companies": '["7","8"]', "updatedAt": LONG_AGO, "_airbyte_extracted_at": MIDNIGHT}
    land(place, "by_airbyte", contacts=[row])
    with open_landed(HUBSPOT, "airbyte", str(place / "by_airbyte")) as client:
        by_airbyte = linked(read(HUBSPOT, client, "associations"))
    assert by_airbyte == {("contacts", "5", "companies"): [("7", 279), ("8", 279)]}


def test_engagements_are_read_with_whom_they_were(place: Path, open_landed: Open) -> None:
    synced = {"_fivetran_synced": MIDNIGHT}
    call = {"engagement_id": 3, "property_hs_lastmodifieddate": LONG_AGO, **synced}
    note = {**call, "engagement_id": 4}
    contacts = [
        {"engagement_id": 3, "contact_id": number, "category": "HUBSPOT_DEFINED", **synced} for number in (5, 6)
    ]
    land(place, "hubspot", engagement_call=[call], engagement_note=[note], engagement_contact=contacts)
    with open_landed(HUBSPOT, "fivetran") as client:
        by_fivetran = {row.id: (row.contact_ids, row.deal_ids) for row in read(HUBSPOT, client, "engagements")}
    assert by_fivetran == {"3": (["5", "6"], []), "4": ([], [])}
    row = {"id": "3", "contacts": '["5","6"]', "deals": None, "updatedAt": LONG_AGO, "_airbyte_extracted_at": MIDNIGHT}
    land(place, "by_airbyte", engagements_calls=[row])
    with open_landed(HUBSPOT, "airbyte", str(place / "by_airbyte")) as client:
        by_airbyte = {row.id: (row.contact_ids, row.deal_ids) for row in read(HUBSPOT, client, "engagements")}
    assert by_airbyte == {"3": (["5", "6"], [])}


def linked(rows: list[Any]) -> dict[tuple[str, str, str], list[tuple[str, int]]]:
    """What each record is linked with, and by which type of link; without those that are linked with nothing."""
    return {
        (row.from_type, row.from_id, row.to_type): [(link.to_id, link.type_id) for link in row.links]
        for row in rows
        if row.links
    }


# --- what changed, and what is gone ----------------------------------------------------------------------------------


def test_a_window_brings_what_changed_in_it(place: Path, open_landed: Open) -> None:
    rows = [company(1, "before", NIGHT), company(2, "within", NOON), company(3, "after", MIDNIGHT)]
    land(place, "hubspot", company=rows)
    with open_landed(HUBSPOT, "fivetran") as client:
        window = Window(NOON, MIDNIGHT)
        assert [each.name for each in read(HUBSPOT, client, "companies", window)] == ["within"]
        totals = adapted(HUBSPOT, client, "companies").totals
        assert not isinstance(totals, str)
        counted = totals.count(client, window)
    assert counted is not None
    assert counted.records == 1


def test_a_deleted_record_goes_with_the_next_window(place: Path, open_landed: Open, lake: Lake, clock: Clock) -> None:
    syncing = Syncing(lake, HUBSPOT, clock)
    acme, bolt = company(1, "Acme", _fivetran_synced=NOON), company(2, "Bolt", _fivetran_synced=NOON)
    land(place, "hubspot", company=[acme, bolt])
    clock.now = NOON + timedelta(minutes=20)
    with open_landed(HUBSPOT, "fivetran") as client:
        syncing.fill(client, "companies", NIGHT)
    assert syncing.current_keys("companies", NOON) == ["1", "2"]
    gone = {**bolt, "_fivetran_deleted": True, "_fivetran_synced": MIDNIGHT - timedelta(hours=1)}
    land(place, "hubspot", company=[acme, gone])
    clock.now = MIDNIGHT + timedelta(minutes=20)
    with open_landed(HUBSPOT, "fivetran") as client:
        syncing.fill(client, "companies", NOON)
    assert syncing.current_keys("companies", MIDNIGHT) == ["1"]


def test_a_change_that_was_landed_late_comes_with_a_later_window(
    place: Path, open_landed: Open, lake: Lake, clock: Clock
) -> None:
    syncing = Syncing(lake, HUBSPOT, clock)
    land(place, "hubspot", company=[company(1, "Acme", _fivetran_synced=NIGHT)])
    clock.now = NOON + timedelta(minutes=20)
    with open_landed(HUBSPOT, "fivetran") as client:
        syncing.fill(client, "companies", NIGHT)
    changed = NOON - timedelta(hours=1)  # before the end of the window that was read, and landed after it
    land(place, "hubspot", company=[company(1, "Acme Inc", changed, _fivetran_synced=MIDNIGHT)])
    clock.now = MIDNIGHT + timedelta(minutes=20)
    with open_landed(HUBSPOT, "fivetran") as client:
        syncing.fill(client, "companies", NOON)
    assert syncing.rows("companies", NOON, "name") == ["Acme Inc"]


def test_what_airbyte_lists_as_archived_is_gone(place: Path, open_landed: Open) -> None:
    row = {"properties_dealname": "Pilot", "properties_hs_lastmodifieddate": "2026-01-05T00:00:00Z"}
    deals = [{"id": each, **row, "archived": False, "_airbyte_extracted_at": LONG_AGO} for each in ("1", "2")]
    archived = [{"id": "2", **row, "archived": True, "_airbyte_extracted_at": MIDNIGHT}]
    land(place, "hubspot", deals=deals, deals_archived=archived)
    with open_landed(HUBSPOT, "airbyte") as client:
        assert [each.id for each in read(HUBSPOT, client, "deals")] == ["1"]


def test_a_stripe_record_is_not_newer_than_the_window_that_first_reads_it(place: Path, open_landed: Open) -> None:
    row = {"id": "ch_1", "amount": 900, "currency": "usd", "status": "succeeded", "captured": True}
    synced = MIDNIGHT + timedelta(minutes=5)
    rows = [
        {**row, "id": "ch_1", "created": LONG_AGO, "_fivetran_synced": synced},
        {**row, "id": "ch_2", "created": MIDNIGHT + timedelta(minutes=1), "_fivetran_synced": synced},
    ]
    land(place, "stripe", charge=rows)
    with open_landed(STRIPE, "fivetran") as client:
        old, new = sorted(read(STRIPE, client, "charges"), key=lambda charge: charge.id)
    assert (old.changed_at < MIDNIGHT, old.created_at, old.amount_captured) == (True, LONG_AGO, 900)
    assert new.changed_at == synced


# --- how old it may be -----------------------------------------------------------------------------------------------


def test_tables_that_are_older_than_allowed_are_not_read(
    place: Path, open_landed: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(place, "hubspot", company=[company(1, "Acme", _fivetran_synced=MIDNIGHT - timedelta(hours=25))])
    with open_landed(HUBSPOT, "fivetran") as client, pytest.raises(Unavailable) as refusal:
        read(HUBSPOT, client, "companies")
    assert "Fivetran last synced HubSpot 2026-02-28 23:00 UTC" in str(refusal.value)
    assert "what changed until 2026-03-02 00:00 UTC is asked for" in str(refusal.value)
    monkeypatch.setenv("HUBSPOT_LANDED_MAX_AGE_HOURS", "48")
    with open_landed(HUBSPOT, "fivetran") as client:
        assert [each.id for each in read(HUBSPOT, client, "companies")] == ["1"]
        assert adapted(HUBSPOT, client, "companies").lookback >= timedelta(hours=48)


# --- what cannot be read ---------------------------------------------------------------------------------------------


def test_a_place_without_tables_is_named_by_its_variable(place: Path, open_landed: Open) -> None:
    place.mkdir()
    with (
        pytest.raises(BadRequest, match="HUBSPOT_LANDED leads to no tables of HubSpot"),
        open_landed(HUBSPOT, "fivetran"),
    ):
        pass
    with (
        pytest.raises(BadRequest, match="neither a DuckDB file, nor a folder"),
        open_landed(HUBSPOT, "fivetran", str(place / "nowhere")),
    ):
        pass


def test_an_unreadable_column_shows_no_value(place: Path, open_landed: Open) -> None:
    land(place, "intercom", contacts=[{"id": "1", "updated_at": "ada@acme.example", "_airbyte_extracted_at": MIDNIGHT}])
    with open_landed(INTERCOM, "airbyte") as client, pytest.raises(InvalidResponse) as failure:
        read(INTERCOM, client, "contacts")
    assert "Airbyte's table contacts" in str(failure.value)
    assert "ada" not in str(failure.value)


def test_a_record_that_does_not_fit_is_quarantined_alone(
    place: Path, open_landed: Open, lake: Lake, clock: Clock
) -> None:
    syncing = Syncing(lake, HUBSPOT, clock)
    rows = [company(1, "Acme", property_numberofemployees="many"), company(2, "Bolt", property_numberofemployees="7")]
    land(place, "hubspot", company=rows)
    with open_landed(HUBSPOT, "fivetran") as client:
        syncing.fill(client, "companies", NOON)
    assert syncing.current_keys("companies", MIDNIGHT) == ["2"]
    assert syncing.quarantined("companies", NOON) == [("1", "properties.numberofemployees: int_parsing")]
