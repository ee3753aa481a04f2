"""What people decide about companies: it wins over the rules, can be taken back, and leaves the rest as it is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gtm_platform.identity import deciding
from gtm_platform.identity.companies import TABLE
from gtm_platform.identity.decisions import Undecidable
from gtm_platform.identity.explanation import explain
from gtm_platform.identity.links import TABLE as LINKS
from gtm_platform.identity.review import CONTRACT as REVIEW
from gtm_platform.identity.review import TABLE as REVIEWED
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.state.identity_decisions import Decision
from gtm_platform_tests.identity.company_world import World, made
from gtm_platform_tests.tables import DAY, Row, filled

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
NEXT_DAY, LATER = DAY + timedelta(days=1), DAY + timedelta(days=2)
WORLD: World = {
    "hubspot": [{"id": "h1", "email": "ann@acme.com"}, {"id": "h2", "email": "bob@acme.dev"}],
    "intercom/companies": [],
    "hubspot/companies": [
        {"id": "1", "name": "Acme", "domain": "acme.com", "additional_domains": ["acme.io"]},
        {"id": "2", "name": "Acme Labs", "domain": "acme.dev"},
        {"id": "3", "name": "Acme GmbH", "domain": None},
        {"id": "4", "name": "Acme AG", "domain": None},
    ],
}


def decision(number: int, kind: str, first: str, second: str, *, undone: bool = False) -> Decision:
    names = (f"company:{first}", f"company:{second}")
    return Decision(number, kind, *names, "Noor", "it says so on the phone", NOW, NOW if undone else None)


def by_domain(rows: list[Row]) -> dict[str, Row]:
    return {str(row["domain"] or row["hubspot_company_ids"]): row for row in rows}


def test_merged_companies_are_one_that_goes_by_the_first_and_keeps_the_older_id() -> None:
    before = made(WORLD)
    rows = by_domain(made(WORLD, before, NEXT_DAY, [decision(1, "merge", "acme.com", "acme.dev")]))
    assert set(rows) == {"acme.com", "['3']", "['4']"}
    acme, ids = rows["acme.com"], {row["domain"]: row["company_id"] for row in before}
    assert acme["domains"] == ["acme.com", "acme.dev", "acme.io"]
    assert acme["hubspot_company_ids"] == ["1", "2"]
    assert {acme["company_id"], *acme["former_ids"]} == {ids["acme.com"], ids["acme.dev"]}
    assert "acme.dev" in acme["hosts"]  # by which its people are found


def test_a_record_without_a_domain_goes_to_the_domain_whichever_is_named_first() -> None:
    decided = [decision(1, "merge", "hubspot:3", "hubspot:4"), decision(2, "merge", "hubspot:4", "acme.com")]
    rows = by_domain(made(WORLD, decided=decided))
    assert rows["acme.com"]["hubspot_company_ids"] == ["1", "3", "4"]
    assert set(rows) == {"acme.com", "acme.dev"}


def test_two_records_without_a_domain_can_be_one() -> None:
    rows = by_domain(made(WORLD, decided=[decision(1, "merge", "hubspot:3", "hubspot:4")]))
    assert rows["['3', '4']"]["domain"] is None


def test_a_domain_that_is_not_the_companys_is_a_company_by_itself() -> None:
    assert by_domain(made(WORLD))["acme.com"]["domains"] == ["acme.com", "acme.io"]
    world = {**WORLD, "hubspot": [*WORLD["hubspot"], {"id": "h3", "email": "eve@acme.io"}]}
    rows = by_domain(made(world, decided=[decision(1, "split", "acme.com", "acme.io")]))
    assert rows["acme.com"]["domains"] == ["acme.com"]
    assert rows["acme.io"]["match_method"] == "email_domain"


def test_a_record_is_not_placed_where_its_contacts_write_from_once_a_person_says_no() -> None:
    contact = {"id": "h9", "email": "zoe@acme.dev", "company_id": "3"}
    world = {**WORLD, "hubspot": [*WORLD["hubspot"], contact]}
    world["hubspot/companies"] = [
        {**row, "name": "Acme Labs"} if row["id"] == "3" else row for row in WORLD["hubspot/companies"]
    ]
    assert by_domain(made(world))["acme.dev"]["placed_records"] == ["hubspot:3"]
    rows = by_domain(made(world, decided=[decision(1, "split", "hubspot:3", "acme.dev")]))
    assert rows["acme.dev"]["placed_records"] == []
    assert rows["['3']"]["contact_domains"] == []  # decided: nobody is asked again


@pytest.mark.soak
@pytest.mark.parametrize(("kind", "pair"), [("merge", ("acme.com", "acme.dev")), ("split", ("acme.com", "acme.io"))])
def test_what_is_taken_back_is_as_if_it_had_never_been(kind: str, pair: tuple[str, str]) -> None:
    first = made(WORLD)
    during = made(WORLD, first, NEXT_DAY, [decision(1, kind, *pair)])
    assert during != first
    after = made(WORLD, during, LATER, [decision(1, kind, *pair, undone=True)])
    never = made(WORLD, made(WORLD, first, NEXT_DAY), LATER)
    # A company that comes back says since when it is one again; one that was a company keeps that it was.
    dated = {"first_seen", *(["former_ids"] if kind == "split" else [])}
    assert [_without(row, dated) for row in after] == [_without(row, dated) for row in never]


def _without(row: Row, names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


# --- deciding --------------------------------------------------------------------------------------------------------


@pytest.fixture
def lake() -> Lake:
    """A lake whose companies are those of WORLD, with a pair of them listed for review."""
    lake = the_lake()
    rows = made(WORLD)
    _write(lake, TABLE.key, rows)
    _write(lake, LINKS.key, [])
    ids = {row["domain"]: row["company_id"] for row in rows}
    first, second = sorted((ids["acme.com"], ids["acme.dev"]))
    pair = {"kind": "company", "first_id": first, "second_id": second, "rule": "similar_name", "reason": "alike"}
    _write(lake, REVIEWED.key, [{**dict.fromkeys(REVIEW.columns), **pair}])
    return lake


def _write(lake: Lake, table: str, rows: list[Row]) -> None:
    lake.write(table, str(DAY), engine().to_pyarrow(filled(table, *rows)))


def test_a_merge_names_what_the_two_go_by_and_is_told_by_why(lake: Lake) -> None:
    kept = deciding.merge(lake, "acme.com", "acme.dev", str(DAY), "noor", "one firm")
    assert kept.records == ("company:acme.com", "company:acme.dev")
    assert "Decision 1 by noor" in explain(lake, "acme.com", "acme.dev").text()
    with pytest.raises(Undecidable, match="Decision 1 by noor says merge already"):
        deciding.split(lake, "acme.com", "acme.dev", str(DAY), "noor", "two after all")


def test_a_company_without_a_domain_is_named_by_its_record(lake: Lake) -> None:
    ids = {str(row["hubspot_company_ids"]): row["company_id"] for row in made(WORLD)}
    kept = deciding.merge(lake, ids["['3']"], "ACME.com ", str(DAY), "noor", "one firm")
    assert kept.records == ("company:hubspot:3", "company:acme.com")


def test_a_split_takes_a_pair_off_the_list_or_a_domain_off_a_company(lake: Lake) -> None:
    assert deciding.split(lake, "acme.com", "acme.dev", str(DAY), "noor", "two firms").kind == "split"
    kept = deciding.split(lake, "acme.io", "acme.com", str(DAY), "noor", "sold it")
    assert kept.records == ("company:acme.io", "company:acme.com")


@pytest.mark.parametrize(
    ("kind", "first", "second", "refusal"),
    [
        ("merge", "acme.com", "acme.io", "the same company already"),
        ("split", "acme.com", "acme.com", "Name acme.com and what is not the company's: acme.io"),
        ("split", "acme.dev", "acme.dev", "goes by acme.dev alone"),
        ("merge", "acme.com", "nobody.example", "No company has the id or domain nobody.example"),
    ],
)
def test_a_decision_that_says_nothing_is_refused(lake: Lake, kind: str, first: str, second: str, refusal: str) -> None:
    decide = deciding.merge if kind == "merge" else deciding.split
    with pytest.raises((Undecidable, LookupError), match=refusal):
        decide(lake, first, second, str(DAY), "noor", "a test")


def test_companies_that_are_not_listed_are_two_already(lake: Lake) -> None:
    ids = {str(row["hubspot_company_ids"]): row["company_id"] for row in made(WORLD)}
    with pytest.raises(Undecidable, match="two companies already, and not listed"):
        deciding.split(lake, "acme.com", ids["['4']"], str(DAY), "noor", "a test")
