"""What is read of a HubSpot account, window by window."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from gtm_platform.ingest.feeds import CompanyFeed, read
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox.hubspot import replay
from gtm_platform.sandbox.hubspot.kinds import KINDS
from gtm_platform.sandbox.hubspot.standard import definitions
from gtm_platform.sandbox.hubspot.store import BY_INTEGRATION, HubSpotOwner
from gtm_platform.sources.hubspot.feeds import FEEDS
from gtm_platform.sources.hubspot.source import SOURCE
from gtm_platform.sources.hubspot.streams import Objects
from gtm_platform_tests.sources.conftest import Stand
from gtm_platform_tests.sources.hubspot_portal import (
    BEFORE,
    FIRST,
    SECOND,
    THIRD,
    WEEK_LATER,
    Portal,
    account,
    within,
)


@pytest.fixture
def portal(stand: Stand, lake: Lake) -> Portal:
    return account(stand, lake)


def ids(rows: list[dict[str, object]]) -> list[object]:
    return [row["id"] for row in rows]


# --- windows -------------------------------------------------------------------------------------------------------


def test_the_first_window_brings_all_there_is(portal: Portal) -> None:
    added = sorted(portal.add("contacts", {"email": f"p{n}@acme.example"}).id for n in range(250))
    [filled] = portal.sync("contacts", FIRST)
    assert (filled.rows, filled.full) == (250, True)
    assert ids(portal.written("contacts", FIRST)) == added
    assert len(portal.calls) == 4  # three pages, and what the search counts


def test_the_next_window_brings_what_changed_in_it(portal: Portal) -> None:
    portal.add("contacts", {"firstname": "Bob"})
    ada = portal.add("contacts", {"firstname": "Ada"})
    portal.sync("contacts", FIRST)
    ada.properties["firstname"], ada.updated = "Adele", within(SECOND)
    late = portal.add("contacts", {"firstname": "Cy"}, moved=within(THIRD))  # after the window: the next one's
    [filled] = portal.sync("contacts", SECOND)
    assert (filled.rows, filled.full) == (1, False)
    assert ids(portal.written("contacts", SECOND)) == [ada.id]
    assert [row["first_name"] for row in portal.current_rows("contacts", SECOND)] == ["Bob", "Adele"]
    portal.sync("contacts", THIRD)
    assert ids(portal.written("contacts", THIRD)) == [late.id]


def test_a_change_at_the_edge_belongs_to_the_window_that_begins(portal: Portal) -> None:
    edge = portal.add("deals", moved=datetime(2026, 3, 2, 12, tzinfo=UTC))
    last = portal.add("deals", moved=datetime(2026, 3, 2, 11, 59, 59, 999000, tzinfo=UTC))
    earlier = portal.add("deals")
    portal.sync("deals", "2026-03-01T1200")
    portal.sync("deals", FIRST, SECOND)
    assert ids(portal.written("deals", FIRST)) == [last.id]
    assert ids(portal.written("deals", SECOND)) == [edge.id]
    assert earlier.id in ids(portal.current_rows("deals", SECOND))


@pytest.mark.faults("P4", "P5")
def test_more_than_a_search_may_find_changed_in_the_same_millisecond(portal: Portal) -> None:
    portal.add("companies")
    portal.sync("companies", FIRST)
    portal.calls.clear()
    imported = {portal.add("companies", moved=within(SECOND)).id for _ in range(10_450)}
    portal.sync("companies", SECOND)
    found = portal.lake.partition("hubspot/companies", SECOND).id.to_pyarrow().to_pylist()
    assert len(found) == 10_450
    assert set(found) == imported
    assert len(portal.calls) == 53 + 2  # what the search counts in the window and before it
    assert all(call.endswith("/companies/search") for call in portal.calls)


def test_a_window_filled_twice_holds_the_same_rows(portal: Portal) -> None:
    def rows(window: str) -> list[dict[str, object]]:
        return [{**row, "_extracted_at": None} for row in portal.written("contacts", window)]

    for moved in (BEFORE, within(SECOND), within(SECOND)):
        portal.add("contacts", moved=moved)
    portal.sync("contacts", FIRST)
    portal.sync("contacts", SECOND)
    first, second = rows(FIRST), rows(SECOND)
    portal.sync("contacts", FIRST)
    portal.sync("contacts", SECOND)
    assert (rows(FIRST), rows(SECOND)) == (first, second)
    assert len(second) == 2


@pytest.mark.faults("P20", "P21")
def test_a_weekly_full_window_finds_what_was_archived_or_merged_away(portal: Portal) -> None:
    kept, loser, gone = (portal.add("contacts", {"email": f"{name}@acme.example"}) for name in ("a", "b", "c"))
    portal.sync("contacts", FIRST)
    replay(portal.store, {"do": "merge", "kind": "contacts", "winner": kept.id, "loser": loser.id}, within(SECOND))
    replay(portal.store, {"do": "archive", "kind": "contacts", "ids": [gone.id]}, within(SECOND))
    portal.sync("contacts", SECOND)
    assert ids(portal.current_rows("contacts", SECOND)) == [kept.id, loser.id, gone.id]  # a search does not see them go
    [merged] = portal.written("contacts", SECOND)
    assert merged["merged_ids"] == [loser.id]
    assert merged["additional_emails"] == ["b@acme.example"]
    [filled] = portal.sync("contacts", WEEK_LATER)
    assert (filled.rows, filled.full) == (1, True)
    assert ids(portal.current_rows("contacts", WEEK_LATER)) == [kept.id]


# --- records -------------------------------------------------------------------------------------------------------


def test_texts_become_what_they_stand_for(portal: Portal) -> None:
    portal.add(
        "deals",
        {
            "dealname": "Acme",
            "amount": "1250.50",
            "deal_currency_code": "EUR",
            "closedate": "2026-03-31T00:00:00Z",
            "hs_is_closed": "true",
            "hs_is_closed_won": "false",
            "closed_lost_reason": "",
        },
    )
    portal.sync("deals", FIRST)
    [deal] = portal.written("deals", FIRST)
    assert deal["amount"] == Decimal("1250.50")
    assert deal["currency"] == "eur"
    assert deal["close_date"] == datetime(2026, 3, 31, tzinfo=UTC)
    assert (deal["is_closed"], deal["is_won"], deal["lost_reason"]) == (True, False, None)


def test_a_list_in_a_text_becomes_a_list(portal: Portal) -> None:
    portal.add("companies", {"hs_additional_domains": "acme.example; acme-labs.example;", "hs_merged_object_ids": ""})
    portal.sync("companies", FIRST)
    [company] = portal.written("companies", FIRST)
    assert company["additional_domains"] == ["acme.example", "acme-labs.example"]
    assert company["merged_ids"] == []


def test_a_lead_source_comes_with_what_set_it_last(portal: Portal) -> None:
    defined = definitions(portal.store, KINDS["companies"])
    defined["lead_source"] = {**defined["name"], "name": "lead_source"}
    by_hand = [portal.add("companies", {"lead_source": "trade_fair"}) for _ in range(51)]
    ours, taken_over, without = (portal.add("companies") for _ in range(3))
    for record in (ours, taken_over):
        record.write({"lead_source": "inbound"}, BEFORE, BY_INTEGRATION)
    portal.sync("companies", FIRST)
    known = {
        row["id"]: (row["lead_source"], row["lead_source_set_by"]) for row in portal.current_rows("companies", FIRST)
    }
    assert {known[record.id] for record in by_hand} == {("trade_fair", "CRM_UI")}
    assert known[ours.id] == known[taken_over.id] == ("inbound", "INTEGRATION")
    assert known[without.id] == (None, None)
    assert len([call for call in portal.calls if call.endswith("/companies/batch/read")]) == 2

    taken_over.write({"lead_source": "word_of_mouth"}, within(SECOND))
    portal.sync("companies", SECOND)
    [changed] = portal.written("companies", SECOND)
    assert (changed["lead_source"], changed["lead_source_set_by"]) == ("word_of_mouth", "CRM_UI")
    feed = next(feed for feed in FEEDS if isinstance(feed, CompanyFeed))
    companies = portal.lake.as_of("hubspot/companies", SECOND + "~")
    stated = companies.select("id", stated=read(companies, feed.lead_source)).to_pyarrow().to_pylist()
    by_people = {row["id"]: row["stated"] for row in stated}
    assert (by_people[ours.id], by_people[taken_over.id]) == (None, "word_of_mouth")


def test_a_record_that_cannot_be_read_is_set_aside_alone(portal: Portal) -> None:
    bad = portal.add("companies", {"numberofemployees": "some"})
    good = portal.add("companies", {"numberofemployees": "250"})
    [filled] = portal.sync("companies", FIRST)
    assert (filled.rows, filled.quarantined) == (1, 1)
    [company] = portal.written("companies", FIRST)
    assert (company["id"], company["employee_count"]) == (good.id, 250)
    [aside] = portal.lake.partition("quarantine/hubspot_companies", FIRST).to_pyarrow().to_pylist()
    assert aside["record_id"] == bad.id
    assert aside["reason"].startswith("properties.numberofemployees: ")
    assert '"some"' in aside["payload"]


def test_owners_who_left_are_known_too(portal: Portal) -> None:
    for key, archived in (("71", False), ("72", True)):
        portal.store.owners[key] = HubSpotOwner(
            key, 4200 + int(key), f"o{key}@chroma.example", "Sam", "Lee", BEFORE, BEFORE, archived
        )
    portal.sync("owners", FIRST)
    told = [(row["id"], row["user_id"], row["archived"]) for row in portal.written("owners", FIRST)]
    assert told == [("71", "4271", False), ("72", "4272", True)]


def test_a_pipeline_becomes_a_row_for_each_stage(portal: Portal) -> None:
    won = {"id": "won", "label": "Won", "displayOrder": 5, "metadata": {"isClosed": "true", "probability": "1.0"}}
    open_ = {"id": "open", "label": "Open", "displayOrder": 0, "metadata": {"isClosed": "false", "probability": "0.2"}}
    portal.store.pipelines = [
        {"id": "default", "label": "Sales", "stages": [open_, won]},
        {"id": "17", "label": "Renewals", "stages": [won]},
    ]
    portal.sync("pipelines", FIRST)
    columns = ("pipeline_id", "pipeline_label", "stage_id", "stage_label", "position", "is_closed", "probability")
    assert [tuple(row[column] for column in columns) for row in portal.written("pipelines", FIRST)] == [
        ("17", "Renewals", "won", "Won", 5, True, 1.0),
        ("default", "Sales", "open", "Open", 0, False, 0.2),
        ("default", "Sales", "won", "Won", 5, True, 1.0),
    ]


def test_engagements_of_all_types_are_one_table(portal: Portal) -> None:
    texts = {
        "notes": {"hs_note_body": "<p>Hello</p>"},
        "calls": {"hs_call_title": "Intro", "hs_call_body": "Hello", "hs_call_direction": "INBOUND"},
        "meetings": {"hs_meeting_title": "Demo", "hs_meeting_body": "Hello", "hs_meeting_outcome": "NO_SHOW"},
        "emails": {"hs_email_subject": "Re", "hs_email_text": "Hello", "hs_email_direction": "INCOMING_EMAIL"},
        "tasks": {"hs_task_subject": "Call", "hs_task_body": "Hello", "hs_task_status": "WAITING"},
    }
    for kind, properties in texts.items():
        portal.add(kind, {"hs_timestamp": "2026-02-03T10:00:00.000Z", **properties})
    portal.sync("engagements", FIRST)
    columns = ("type", "subject", "body", "direction", "status")
    rows = portal.written("engagements", FIRST)
    assert [tuple(row[column] for column in columns) for row in rows] == [
        ("call", "Intro", "Hello", "INBOUND", None),
        ("email", "Re", "Hello", "INCOMING_EMAIL", None),
        ("meeting", "Demo", "Hello", None, "NO_SHOW"),
        ("note", None, "<p>Hello</p>", None, None),
        ("task", "Call", "Hello", None, "WAITING"),
    ]
    assert {row["happened_at"] for row in rows} == {datetime(2026, 2, 3, 10, tzinfo=UTC)}
    portal.add("calls", {"hs_call_title": "Again"}, moved=within(SECOND))
    portal.sync("engagements", SECOND)
    assert [(row["type"], row["subject"]) for row in portal.written("engagements", SECOND)] == [("call", "Again")]


def test_an_engagement_says_with_whom_it_was(portal: Portal) -> None:
    acme, ada, bob, deal = (portal.add(kind) for kind in ("companies", "contacts", "contacts", "deals"))
    call, note = (portal.add(kind, {"hs_timestamp": "2026-02-03T10:00:00.000Z"}) for kind in ("calls", "notes"))
    call.links = {"contacts": {ada.id: {194}, bob.id: {194}}, "companies": {acme.id: {182}}, "deals": {deal.id: {206}}}
    portal.sync("engagements", FIRST)
    rows = {row["id"]: row for row in portal.written("engagements", FIRST)}
    assert (rows[call.id]["company_ids"], rows[call.id]["deal_ids"]) == ([acme.id], [deal.id])
    assert sorted(rows[call.id]["contact_ids"]) == sorted([ada.id, bob.id])  # type: ignore[call-overload]
    assert [rows[note.id][name] for name in ("contact_ids", "company_ids", "deal_ids")] == [[], [], []]
    call.links, call.updated = {"contacts": {bob.id: {194}}}, within(SECOND)
    portal.sync("engagements", SECOND)
    [row] = portal.written("engagements", SECOND)
    assert (row["id"], row["contact_ids"], row["deal_ids"]) == (call.id, [bob.id], [])


# --- associations --------------------------------------------------------------------------------------------------


def test_every_record_says_what_it_is_linked_with_even_nothing(portal: Portal) -> None:
    acme, ada, bob, deal = (portal.add(kind) for kind in ("companies", "contacts", "contacts", "deals"))
    ada.links = {"companies": {acme.id: {1, 279}}}
    deal.links = {"contacts": {bob.id: {3}}}
    portal.sync("associations", FIRST)
    told = {
        (row["from_id"], row["to_type"]): [(link["to_id"], link["type_id"], link["label"]) for link in row["links"]]  # type: ignore[attr-defined]
        for row in portal.written("associations", FIRST)
    }
    assert told == {
        (ada.id, "companies"): [(acme.id, 1, "Primary"), (acme.id, 279, None)],
        (bob.id, "companies"): [],
        (deal.id, "companies"): [],
        (deal.id, "contacts"): [(bob.id, 3, None)],
    }


def test_links_are_read_again_of_the_records_that_changed(portal: Portal) -> None:
    acme, ada, bob = (portal.add(kind) for kind in ("companies", "contacts", "contacts"))
    ada.links = bob.links = {"companies": {acme.id: {279}}}
    portal.sync("associations", FIRST)
    ada.links, ada.updated = {}, within(SECOND)
    portal.sync("associations", SECOND)
    [row] = portal.written("associations", SECOND)
    assert (row["from_id"], row["links"], row["changed_at"]) == (ada.id, [], within(SECOND))
    assert [bool(row["links"]) for row in portal.current_rows("associations", SECOND)] == [False, True]


def test_links_beyond_a_page_are_read_on(portal: Portal) -> None:
    deal = portal.add("deals")
    people = sorted(portal.add("contacts").id for _ in range(1_100))
    deal.links = {"contacts": {person: {3} for person in people}}
    portal.sync("associations", FIRST)
    [row] = [row for row in portal.written("associations", FIRST) if row["to_type"] == "contacts"]
    assert sorted(link["to_id"] for link in row["links"]) == people  # type: ignore[attr-defined]
    assert len([call for call in portal.calls if "/contacts/companies/batch/read" in call]) == 2
    assert len([call for call in portal.calls if "/deals/contacts/batch/read" in call]) == 3


# --- the source ----------------------------------------------------------------------------------------------------


def test_a_check_says_that_the_token_works(portal: Portal) -> None:
    client = portal.client()
    assert SOURCE.check(client) == "HubSpot accepts the token and shows that there are no owners."
    client.close()
    assert len(portal.calls) == 1


def test_a_list_of_too_many_properties_is_refused_before_it_is_asked_for() -> None:
    with pytest.raises(TypeError, match="contacts: a list with so many properties"):
        Objects("contacts", tuple(f"a_property_of_ours_{n}" for n in range(100)))
