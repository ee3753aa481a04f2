"""Who is listed for a person to decide: those alike and those held back, until they are decided."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import ibis
import pyarrow as pa
import pytest

from gtm_platform.identity import companies, links, review, similar
from gtm_platform.identity.contacts_domains import CONTACTS
from gtm_platform.identity.domains import domain_lists
from gtm_platform.policy import policy
from gtm_platform.sources.feeds import company_feeds
from gtm_platform.state.identity_decisions import Decision
from gtm_platform_tests.identity.matching.made_up_records import colleagues
from gtm_platform_tests.tables import DAY, LONG_AGO, Row, computed, filled, person_tables, rows_as_table, rows_of

pytestmark = pytest.mark.soak

NEXT_DAY = DAY + timedelta(days=1)
NO_ROWS = {name: filled(name) for name in ("identity/review", "identity/companies", "identity/links")}


def contacts() -> list[dict[str, Any]]:
    """Colleagues of some companies, each twice with one address: what one person's records are like is learnt."""
    return [
        {
            "id": f"{record['unique_id']}-{copy}",
            "email": f"{record['person']}@{str(record['company'] or 'x').split()[0]}.example",
            "first_name": record["first_name"],
            "last_name": record["last_name"],
            "company_name": record["company"],
            "city": record["city"],
            "created_at": LONG_AGO,
        }
        for record in colleagues(40)
        if record["first_name"] and record["last_name"]
        for copy in range(2)
    ]


TWIN = {
    "first_name": "Ottoline",
    "last_name": "Featherstone",
    "company_name": "Zephyr Works",
    "city": "Ulm",
    "created_at": LONG_AGO,
}
TWINS = [
    {"id": "t1", "email": "ottoline@zephyrworks.example", **TWIN},
    {"id": "t2", "email": "featherstone9@gmail.com", **TWIN},
]


def tables(
    rows: Sequence[Row],
    previous: ibis.Table,
    day: date,
    decided: Sequence[Decision],
    further: Sequence[str] = (),
    unplaced: str = "",
    **more: Sequence[Row],
) -> dict[str, Any]:
    persons = person_tables(hubspot=rows, **more)
    linked = computed(
        links.table,
        "identity/links",
        records=persons,
        previous=previous,
        policy=policy(),
        day=day,
        decided=decided,
    )
    names = [
        {"id": "c1", "domain": "zephyrworks.example", "name": "Zephyr Works GmbH"},
        {"id": "c2", "domain": "zephyr-works.example", "name": "Zephyr Works Ltd."},
        {"id": "c3", "domain": "other.example", "name": "Quartz Foods", "additional_domains": list(further)},
    ]
    names += [{"id": "c4", "name": unplaced}] if unplaced else []
    feeds = {feed.table: filled(feed.table) for feed in company_feeds()} | {
        "hubspot/companies": filled("hubspot/companies", *names)
    }
    firms = computed(
        companies.table,
        "identity/companies",
        links=linked,
        records=feeds,
        contacts={source: persons[source] for source in CONTACTS},
        lists=domain_lists(),
        previous=NO_ROWS["identity/companies"],
        policy=policy(),
        day=day,
    )
    return {"links": linked, "companies": firms, "records": persons, "decided": decided, "policy": policy(), "day": day}


def listed(inputs: dict[str, Any], **previous: ibis.Table) -> ibis.Table:
    rows: pa.Table = review.table(
        **inputs,
        previous=previous.get("review", NO_ROWS["identity/review"]),
        previous_companies=previous.get("companies", NO_ROWS["identity/companies"]),
    )
    return rows_as_table(review.CONTRACT.schema, rows.to_pylist())


def customers(linked: ibis.Table) -> dict[str, str]:
    return {row["record_id"]: row["customer_id"] for row in rows_of(linked)}


def pairs(table: ibis.Table, rule: str) -> set[frozenset[str]]:
    return {frozenset([row["first_id"], row["second_id"]]) for row in rows_of(table) if row["rule"] == rule}


def test_people_who_are_alike_are_listed_by_id_and_colleagues_are_not() -> None:
    inputs = tables([*contacts(), *TWINS], NO_ROWS["identity/links"], DAY, ())
    ids = customers(inputs["links"])
    rows = rows_of(listed(inputs))
    assert frozenset([ids["t1"], ids["t2"]]) in pairs(listed(inputs), review.SIMILAR)
    people = [row for row in rows if row["kind"] == review.PERSON]
    assert all(row["score"] >= policy().identity.similar.people for row in people)
    assert not any("@" in str(value) or "Ottoline" in str(value) for row in rows for value in row.values())


def test_companies_are_listed_by_their_names() -> None:
    (row,) = [
        row
        for row in rows_of(listed(tables(TWINS, NO_ROWS["identity/links"], DAY, ())))
        if row["kind"] == review.COMPANY
    ]
    assert (row["rule"], row["reason"]) == (review.SIMILAR_NAME, "their names mean the same")


def test_who_shares_an_inbox_is_listed_with_the_reason() -> None:
    behind = [{"id": f"h{n}", "email": "info@acme.example"} for n in range(3)]
    inputs = tables(behind, NO_ROWS["identity/links"], DAY, ())
    rows = [row for row in rows_of(listed(inputs)) if row["rule"] == review.HELD_BACK]
    assert [row["reason"] for row in rows] == ["shared inbox"] * 2
    assert {row["first_id"] for row in rows} == {min(customers(inputs["links"]).values())}


def test_what_would_make_two_contacts_of_the_crm_one_is_listed() -> None:
    contacts = [{"id": "h1", "email": "a@acme.example"}, {"id": "h2", "email": "b@acme.example"}]
    users = [{"id": f"i{n}", "email": f"{name}@acme.example", "stripe_id": "s1"} for n, name in enumerate("ab")]
    inputs = tables(contacts, NO_ROWS["identity/links"], DAY, (), intercom=users, stripe=[{"id": "s1"}])
    (listed_pair, *more) = [row for row in rows_of(listed(inputs)) if row["rule"] == review.HELD_BACK]
    ids = customers(inputs["links"])
    together = {ids["h1"], ids["h2"], ids["s1"]}
    assert listed_pair["reason"] == "two records of hubspot would be one"
    assert {row[side] for row in (listed_pair, *more) for side in ("first_id", "second_id")} == together


def test_one_customer_at_two_companies_whom_only_an_id_ties_together_is_listed() -> None:
    """Not silently one: the id stays what ties them, as two systems share it, and a person may split them."""
    users = [{"id": "i1", "email": "a@zephyrworks.example", "stripe_id": "s1"}]
    payers = [{"id": "s1", "email": "b@other.example"}, {"id": "s2", "email": "billing@other.example"}]
    listed_twice = [{"id": "i2", "email": "c@zephyrworks.example", "stripe_id": "s2"}]  # an inbox, which is nobody's
    own = [{"id": "i3", "email": "d@zephyrworks.example", "stripe_id": "s3"}]
    alone = [{"id": "s3", "email": "d@home.example"}]  # no system knows a company of this domain
    inputs = tables(
        (), NO_ROWS["identity/links"], DAY, (), intercom=[*users, *listed_twice, *own], stripe=[*payers, *alone]
    )
    (row,) = [row for row in rows_of(listed(inputs)) if row["rule"] == review.TWO_COMPANIES]
    customer = customers(inputs["links"])["i1"]
    assert (row["first_id"], row["second_id"]) == (customer, customer)
    assert row["reason"] == "an id ties together addresses at other.example and zephyrworks.example"


def test_a_domain_that_two_companies_have_is_listed() -> None:
    inputs = tables(TWINS, NO_ROWS["identity/links"], DAY, (), further=["zephyrworks.example"])
    (row,) = [row for row in rows_of(listed(inputs)) if row["rule"] == review.HELD_BACK]
    assert (row["kind"], row["reason"]) == (review.COMPANY, "both are said to have the domain zephyrworks.example")


def test_a_company_whose_contacts_write_from_several_domains_is_listed_with_each() -> None:
    contacts_of_4 = [
        {"id": f"w{n}", "email": f"w{n}@{domain}", "company_id": "c4"}
        for n, domain in enumerate(("zephyrworks.example", "other.example"))
    ]
    inputs = tables(contacts_of_4, NO_ROWS["identity/links"], DAY, (), unplaced="Wanderers")
    of = {row["name"]: row["company_id"] for row in rows_of(inputs["companies"])}
    rows = [row for row in rows_of(listed(inputs)) if row["rule"] == review.HELD_BACK]
    assert {frozenset((row["first_id"], row["second_id"])) for row in rows} == {
        frozenset((of["Wanderers"], of["Zephyr Works GmbH"])),
        frozenset((of["Wanderers"], of["Quartz Foods"])),
    }
    ending = "has no domain, and its contacts write from other.example and zephyrworks.example"
    assert {row["reason"] for row in rows} == {f"{of['Wanderers']} {ending}"}


def test_a_day_without_news_keeps_the_pairs_that_are_still_two() -> None:
    first = tables([*contacts(), *TWINS], NO_ROWS["identity/links"], DAY, ())
    before = listed(first)
    same = tables([*contacts(), *TWINS], first["links"], NEXT_DAY, ())
    assert pairs(listed(same, review=before, companies=first["companies"]), review.SIMILAR) == pairs(
        before, review.SIMILAR
    )
    gone = tables(contacts(), first["links"], NEXT_DAY, ())
    after = pairs(listed(gone, review=before, companies=first["companies"]), review.SIMILAR)
    ids = customers(first["links"])
    assert after == pairs(before, review.SIMILAR) - {frozenset([ids["t1"], ids["t2"]])}


def test_who_comes_later_is_compared_with_those_who_are_there() -> None:
    first = tables([*contacts(), TWINS[0]], NO_ROWS["identity/links"], DAY, ())
    before = listed(first)
    later = tables([*contacts(), *TWINS], first["links"], NEXT_DAY, ())
    after = listed(later, review=before, companies=first["companies"])
    ids = customers(later["links"])
    assert pairs(after, review.SIMILAR) - pairs(before, review.SIMILAR) == {frozenset([ids["t1"], ids["t2"]])}
    assert pairs(after, review.SIMILAR_NAME) == pairs(before, review.SIMILAR_NAME)


def test_the_neighbourhood_of_who_is_new_does_not_grow_with_those_who_are_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(similar, "LEARNT_FROM", 50)
    names = ibis.schema({"id": "string", "name": "string"})
    new = rows_as_table(ibis.schema({"id": "string"}), [{"id": "new"}])
    for many in (1_000, 4_000):
        everybody = [{"id": str(number), "name": f"Firm {number} Common"} for number in range(many)]
        rows = [{"id": "new", "name": "Zephyr Common"}, {"id": "twin", "name": "The Zephyr"}, *everybody]
        near = similar.neighbourhood(rows_as_table(names, rows), "id", ("name",), new)
        ids = {row["id"] for row in rows_of(near)}
        assert {"new", "twin"} <= ids
        assert len(ids) < 120


def test_a_pair_that_a_person_decided_is_not_listed_again() -> None:
    now = datetime(2026, 11, 20)
    for kind in ("split", "merge"):
        decided = [Decision(1, kind, "hubspot:t1", "hubspot:t2", "Noor", "by phone", now)]
        inputs = tables([*contacts(), *TWINS], NO_ROWS["identity/links"], DAY, decided)
        ids = customers(inputs["links"])
        assert frozenset([ids["t1"], ids["t2"]]) not in pairs(listed(inputs), review.SIMILAR)
