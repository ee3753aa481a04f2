"""One row per customer and per company: what speaks for them, and what they are called."""

from datetime import date, timedelta
from typing import Any

import ibis
import pytest

from gtm_platform.identity import companies, links, people, person_records
from gtm_platform.identity.contacts_domains import CONTACTS
from gtm_platform.identity.domains import domain_lists
from gtm_platform.policy import Policy, policy
from gtm_platform.sources.feeds import company_feeds
from gtm_platform_tests.tables import DAY, LONG_AGO, by, computed, days_ago, filled, person_tables, rows_of


def world(
    previous_companies: ibis.Table | None = None,
    day: date = DAY,
    rules: Policy | None = None,
    **rows: list[dict[str, Any]],
) -> dict[str, ibis.Table]:
    """The tables of identity for these records of the sources."""
    persons = person_tables(**{source: rows.get(source, []) for source in ("hubspot", "intercom", "stripe")})
    rules = rules or policy()
    previous = filled("identity/links")
    linked = computed(links.table, "identity/links", records=persons, previous=previous, policy=rules, day=day)
    firms = computed(
        companies.table,
        "identity/companies",
        links=linked,
        records={
            feed.table: persons[feed.source]
            if feed.table == person_records.TABLES.get(feed.source)
            else filled(feed.table, *rows.get(feed.table.replace("/", "_"), []))
            for feed in company_feeds()
        },
        contacts={source: persons[source] for source in CONTACTS},
        lists=domain_lists(),
        previous=filled("identity/companies") if previous_companies is None else previous_companies,
        policy=rules,
        day=day,
    )
    inputs: dict[str, Any] = {
        "links": linked,
        "everybody": linked,
        "records": persons,
        "companies": firms,
        "policy": rules,
    }
    return {"people": computed(people.table, "identity/people", **inputs), "companies": firms}


def test_the_records_that_speak_for_a_customer() -> None:
    same = {"email": "dana@acme.example"}
    more = ["D@old.example", "dana+x@b.example"]
    (dana,) = rows_of(
        world(
            hubspot=[
                {
                    "id": "h2",
                    **same,
                    "created_at": days_ago(9),
                    "additional_emails": more,
                },
                {"id": "h1", **same, "created_at": days_ago(99), "merged_ids": []},
                {"id": "h3", **same, "created_at": days_ago(5), "merged_ids": ["h1"]},
            ],
            intercom=[
                {"id": "i1", **same, "role": "lead", "last_seen_at": days_ago(0)},
                {"id": "i2", **same, "role": "user", "last_seen_at": days_ago(30)},
                {"id": "i3", **same, "role": "user", "last_seen_at": days_ago(3)},
            ],
            stripe=[{"id": "s2", **same, "created_at": LONG_AGO}, {"id": "s1", **same, "created_at": days_ago(1)}],
        )["people"]
    )
    assert dana["hubspot_contact_id"] == "h2"  # h1 is older, but was merged into h3
    assert dana["intercom_contact_id"] == "i3"
    assert dana["stripe_customer_id"] == "s2"
    assert dana["records"] == 8
    assert dana["all_emails"] == ["d@old.example", "dana@acme.example", "dana@b.example"]
    assert dana["match_confidence"] == 1.0


def test_the_address_is_the_intercom_users_else_hubspots_else_stripes() -> None:
    stripe = [{"id": "s1", "email": "pay@acme.example"}]
    contact = {"id": "i1", "email": "dana@acme.example", "stripe_id": "s1"}
    hubspot = [{"id": "h1", "email": "crm@acme.example", "additional_emails": ["pay@acme.example"]}]

    def address(**rows: list[dict[str, Any]]) -> str:
        (row,) = rows_of(world(**rows)["people"])
        return str(row["email"])

    assert address(hubspot=hubspot, stripe=stripe, intercom=[{**contact, "role": "user"}]) == "dana@acme.example"
    assert address(hubspot=hubspot, stripe=stripe, intercom=[{**contact, "role": "lead"}]) == "crm@acme.example"
    assert address(stripe=stripe, intercom=[{**contact, "role": "lead"}]) == "pay@acme.example"


def test_companies_by_domain_then_by_address_never_by_free_mail() -> None:
    tables = world(
        hubspot_companies=[
            {"id": "1", "name": "Acme", "domain": "acme.example", "additional_domains": ["acme-labs.example"]},
            {"id": "2", "name": "Acme Twice", "domain": "https://www.acme.example/", "merged_ids": ["22"]},
            {"id": "3", "name": "No Domain"},
            {"id": "4", "name": "Freelancers", "domain": "gmail.com"},
        ],
        intercom_companies=[
            {"id": "c1", "name": "ACME Inc", "website": "http://acme.example"},
            {"id": "c2", "name": "Beta", "website": "beta.example"},
            {"id": "c3", "name": "No Website"},
        ],
        stripe=[{"id": "s1", "email": "x@gmail.com", "company_domain": "gamma.example"}],
        hubspot=[
            {"id": "h1", "email": "a@acme-labs.example"},
            {"id": "h2", "email": "b@delta.example"},
            {"id": "h3", "email": "c@gmail.com", "company_id": "3"},
            {"id": "h4", "email": "d@delta.example", "company_id": "22"},
        ],
        intercom=[{"id": "i1", "email": "e@gmail.com", "company_ids": ["c2"]}],
    )
    firms = {row["name"]: row for row in rows_of(tables["companies"])}
    assert {name: (row["domain"], row["match_method"], row["match_confidence"]) for name, row in firms.items()} == {
        "Acme": ("acme.example", "domain", 1.0),
        "No Domain": (None, "alone", 1.0),
        "Freelancers": (None, "alone", 1.0),
        "Beta": ("beta.example", "domain", 1.0),
        "gamma.example": ("gamma.example", "domain", 1.0),
        "delta.example": ("delta.example", "email_domain", 0.8),
    }
    acme = firms["Acme"]
    assert acme["domains"] == ["acme-labs.example", "acme.example"]
    assert acme["hubspot_company_ids"] == ["1", "2", "22"]
    assert acme["intercom_company_ids"] == ["c1"]

    of = {row["email"]: row["company_id"] for row in rows_of(tables["people"])}
    named = {name: row["company_id"] for name, row in firms.items()}
    assert of == {
        "a@acme-labs.example": named["Acme"],
        "b@delta.example": named["delta.example"],
        "c@gmail.com": named["No Domain"],
        "d@delta.example": named["Acme"],  # what HubSpot says goes before the address
        "e@gmail.com": named["Beta"],
        "x@gmail.com": named["gamma.example"],
    }


ACME = {"id": "8", "name": "Acme", "domain": "acme.example"}


def placed(*contacts: str, **more: list[dict[str, Any]]) -> dict[str, Any]:
    """What becomes of HubSpot's company 7, which has no domain, when these are the addresses of its contacts."""
    hubspot = [{"id": f"h{n}", "email": email, "company_id": "7"} for n, email in enumerate(contacts)]
    firms = [{"id": "7", "name": "Acme Ltd."}, *more.pop("hubspot_companies", [])]
    tables = world(hubspot=hubspot + more.pop("hubspot", []), hubspot_companies=firms, **more)
    [row] = [each for each in rows_of(tables["companies"]) if "7" in each["hubspot_company_ids"]]
    return row


@pytest.mark.parametrize(
    ("contacts", "more", "domain", "contact_domains"),
    [
        (["a@acme.example", "b@mail.acme.example", "c@gmail.com"], {}, "acme.example", []),
        (["info@acme.example"], {}, "acme.example", []),
        (["a@gmail.com", "b@mailinator.com"], {}, None, []),
        ([], {}, None, []),
        (["a@acme.example", "b@bolt.example"], {}, None, ["acme.example", "bolt.example"]),
        (["a@acme.example"], {"hubspot_companies": [ACME | {"name": "ACME"}]}, "acme.example", []),
        (["a@acme.example"], {"hubspot_companies": [ACME | {"name": "Bolt"}]}, None, ["acme.example"]),
        (
            ["a@acme.example"],
            {
                "hubspot_companies": [{"id": "8", "name": "Bolt"}],
                "hubspot": [{"id": "x", "email": "b@acme.example", "company_id": "8"}],
            },
            None,
            ["acme.example"],
        ),
        (
            ["a@labs.example"],
            {"hubspot_companies": [ACME | {"additional_domains": ["labs.example"]}]},
            "acme.example",
            [],
        ),
    ],
    ids=[
        "one domain", "a shared inbox is at it", "mail providers only", "nobody", "two domains", "the same name there",
        "another name there", "two such records of different names", "a further domain of a company",
    ],
)  # fmt: skip
def test_a_company_without_a_domain_has_that_of_all_its_contacts(
    contacts: list[str], more: dict[str, Any], domain: str | None, contact_domains: list[str]
) -> None:
    row = placed(*contacts, **{name: list(rows) for name, rows in more.items()})
    assert (row["domain"], row["contact_domains"]) == (domain, contact_domains)
    assert row["placed_records"] == (["hubspot:7"] if domain else [])


def test_a_company_that_its_contacts_place_is_the_one_of_their_addresses_and_keeps_its_ids() -> None:
    row = placed("a@acme.example")
    assert (row["name"], row["match_method"], row["match_confidence"]) == ("Acme Ltd.", "contacts", 0.9)
    merged = placed("a@acme.example", hubspot_companies=[{"id": "9", "name": "X", "domain": "bolt.example"}])
    assert merged["hubspot_company_ids"] == ["7"]
    tables = world(
        hubspot=[{"id": "h1", "email": "a@acme.example", "company_id": "7"}],
        hubspot_companies=[{"id": "7", "name": "Acme", "merged_ids": ["6"]}],
        intercom=[{"id": "i1", "email": "b@acme.example"}],
    )
    [company] = rows_of(tables["companies"])
    assert company["hubspot_company_ids"] == ["6", "7"]
    assert {each["company_id"] for each in rows_of(tables["people"])} == {company["company_id"]}


def test_a_company_by_itself_becomes_another_once_its_contacts_say_so() -> None:
    firms = {"hubspot_companies": [{"id": "7", "name": "Acme"}]}
    alone = world(**firms, hubspot=[{"id": "h1", "email": "a@gmail.com", "company_id": "7"}])["companies"]
    [before] = rows_of(alone)
    contacts = [{"id": "h1", "email": "a@acme.example", "company_id": "7"}]
    [after] = rows_of(world(alone, DAY + timedelta(days=1), **firms, hubspot=contacts)["companies"])
    assert (after["company_id"], after["domain"]) == (before["company_id"], "acme.example")


def test_a_company_keeps_its_id() -> None:
    once = by("domain", world(hubspot=[{"id": "h", "email": "a@acme.example"}])["companies"])
    again = by("domain", world(hubspot_companies=[{"id": "7", "name": "Acme", "domain": "ACME.example"}])["companies"])
    assert once["acme.example"]["company_id"] == again["acme.example"]["company_id"]


def test_a_company_that_nobody_works_at_is_one_by_the_code_in_its_repositories() -> None:
    code = {"path": "requirements.txt", "package": "rival-client", "owner_type": "Organization"}
    imports = [
        {**code, "repository_id": "1", "company_domain": "quartz.example", "fragment": "rival-client==1.0"},
        {**code, "repository_id": "2", "company_domain": "near.example", "fragment": None},
    ]
    domains = {row["domain"] for row in rows_of(world(github_code_imports=imports)["companies"])}
    assert domains == {"quartz.example"}  # the other match may be of any word like it


def hubspot(id: str, domain: str | None, *further: str) -> dict[str, Any]:
    return {"id": id, "name": f"Firm {id}", "domain": domain, "additional_domains": list(further)}


def test_hosts_of_one_registered_domain_are_one_company_and_disposable_mail_is_none() -> None:
    tables = world(
        hubspot_companies=[hubspot("1", "www.acme.co.uk"), hubspot("2", "acme.github.io")],
        intercom_companies=[{"id": "c1", "website": "https://shop.acme.co.uk"}],
        hubspot=[
            {"id": "h1", "email": "a@mail.acme.co.uk"},
            {"id": "h2", "email": "b@other.co.uk"},
            {"id": "h3", "email": "c@mailinator.com"},
        ],
    )
    firms = by("domain", tables["companies"])
    assert set(firms) == {"acme.co.uk", "acme.github.io", "other.co.uk"}
    assert firms["acme.co.uk"]["intercom_company_ids"] == ["c1"]
    assert firms["acme.co.uk"]["domains"] == ["acme.co.uk"]
    of = {row["email"]: row["company_id"] for row in rows_of(tables["people"])}
    assert of["a@mail.acme.co.uk"] == firms["acme.co.uk"]["company_id"]
    assert of["c@mailinator.com"] is None


def test_a_domain_that_two_companies_have_glues_nobody() -> None:
    companies = [
        hubspot("1", "acme.example", "labs.example", "beta.example"),
        hubspot("2", "beta.example", "labs.example"),
        hubspot("3", "gamma.example", "gamma.co.uk"),
    ]
    firms = by("domain", world(hubspot_companies=companies)["companies"])
    assert set(firms) == {"acme.example", "beta.example", "labs.example", "gamma.example"}
    assert {domain: row["contested_domains"] for domain, row in firms.items()} == {
        "acme.example": ["beta.example", "labs.example"],
        "beta.example": ["labs.example"],
        "labs.example": [],
        "gamma.example": [],
    }


@pytest.mark.parametrize(("name", "is_one"), [("Labs Inc", False), ("Firm 1, Ltd.", True), (None, True)])
def test_a_further_domain_by_which_a_system_has_a_company_of_another_name_glues_nobody(
    name: str | None, is_one: bool
) -> None:
    other = {"id": "c1", "name": name, "website": "https://labs.example"}
    tables = world(hubspot_companies=[hubspot("1", "acme.example", "labs.example")], intercom_companies=[other])
    firms = by("domain", tables["companies"])
    assert set(firms) == ({"acme.example"} if is_one else {"acme.example", "labs.example"})
    assert firms["acme.example"]["contested_domains"] == ([] if is_one else ["labs.example"])


def test_two_records_of_the_crm_are_one_company_by_the_domain_of_both_alone() -> None:
    """A name, a further domain of one, or people who work for both do not make them one."""
    records = [hubspot("1", "acme.example", "beta.example"), hubspot("2", "beta.example"), hubspot("3", "acme.example")]
    people = [
        {"id": "h1", "email": "dana@acme.example", "additional_emails": ["dana@beta.example"], "company_id": "2"},
        {"id": "h2", "email": "eve@beta.example", "company_id": "1"},
    ]
    named = [{**row, "name": "Acme"} for row in records]
    firms = by("domain", world(hubspot_companies=named, hubspot=people)["companies"])
    assert {domain: row["hubspot_company_ids"] for domain, row in firms.items()} == {
        "acme.example": ["1", "3"],
        "beta.example": ["2"],
    }


def test_another_name_of_a_company_by_the_policy() -> None:
    rules = policy()
    identity = rules.identity.model_copy(update={"domain_aliases": {"acme.de": "acme.example"}})
    tables = world(
        rules=rules.model_copy(update={"identity": identity}),
        hubspot_companies=[hubspot("1", "acme.example"), hubspot("2", "www.acme.de")],
    )
    (firm,) = rows_of(tables["companies"])
    assert (firm["domain"], firm["domains"]) == ("acme.example", ["acme.de", "acme.example"])
    assert firm["hubspot_company_ids"] == ["1", "2"]


def test_companies_that_become_one_keep_the_older_id_and_the_other_is_an_alias() -> None:
    old = world(hubspot_companies=[hubspot("1", None)])["companies"]
    second = DAY + timedelta(days=1)
    both = world(old, second, hubspot_companies=[hubspot("1", None), hubspot("2", "acme.example")])["companies"]
    younger = by("domain", both)["acme.example"]["company_id"]
    (elder,) = (row["company_id"] for row in rows_of(old))
    third = world(both, second + timedelta(days=1), hubspot_companies=[hubspot("1", "acme.example")])["companies"]
    (firm,) = rows_of(third)
    assert (firm["company_id"], firm["former_ids"], firm["first_seen"]) == (elder, [younger], DAY)
    again = world(third, second + timedelta(days=2), hubspot_companies=[hubspot("1", "acme.example")])["companies"]
    assert rows_of(again) == rows_of(third)
