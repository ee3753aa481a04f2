"""`gtm why` and `gtm identity merge|split|undo|decisions` over a small lake, day after day."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from shutil import copytree

import pytest

from gtm_platform.identity import companies, links, people
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform_tests.cli.conftest import Command
from gtm_platform_tests.tables import DAY, LONG_AGO, Row, filled

pytestmark = pytest.mark.soak

SOURCES: Mapping[str, Sequence[Row]] = {
    "hubspot/contacts": [
        {"id": "h1", "email": "dana@acme.example", "additional_emails": ["eve@acme.example"], "created_at": LONG_AGO},
        {"id": "h2", "email": "info@acme.example"},
        {"id": "h3", "email": "zed@gmail.com"},
    ],
    "intercom/contacts": [
        {"id": "i1", "email": "eve@acme.example", "stripe_id": "cus_1"},
        {"id": "i2", "email": "info@acme.example"},
        {"id": "i3", "email": "dana@acme.example"},
        {"id": "i4", "email": "yan@gmail.com"},
    ],
    "stripe/customers": [{"id": "cus_1", "email": "bills@acme.example"}],
}
TABLES = (links.TABLE, companies.TABLE, people.TABLE)


def make(home: Path, day: str = str(DAY)) -> dict[str, str]:
    """Make the tables of identity of a day; return the customer of each record."""
    lake = Lake(home / "lake")
    for table in TABLES:
        table.write_day(lake, day)
    rows = lake.partition(links.TABLE.key, day).select("record_id", "customer_id").to_pyarrow().to_pylist()
    return {row["record_id"]: row["customer_id"] for row in rows}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A home with these records and who is who of a day, of which each test has a copy."""
    home = tmp_path_factory.mktemp("made")
    lake = Lake(home / "lake")
    for table, rows in SOURCES.items():
        lake.write(table, f"{DAY}T0000", engine().to_pyarrow(filled(table, *rows)), full=True)
    return home, make(home)


@pytest.fixture
def ids(made: tuple[Path, dict[str, str]], home: Path) -> dict[str, str]:
    copied, ids = made
    copytree(copied / "lake", home / "lake")
    return ids


def answer(command: Command, home: Path, *arguments: str) -> str:
    result = command(*arguments, "--home", str(home))
    assert result.exit_code == 0, result.output
    return result.stdout


def refusal(command: Command, home: Path, *arguments: str) -> str:
    result = command(*arguments, "--home", str(home))
    assert result.exit_code == 1, result.output
    return result.stderr


def test_why_somebody_is_one_customer(command: Command, home: Path, ids: dict[str, str]) -> None:
    text = answer(command, home, "why", "Dana@acme.example")
    assert text.startswith(f"Dana@acme.example is {ids['h1']}, a customer since {DAY}: 4 records on {DAY}.")
    assert (
        "The same address (email dana@acme.example; sure to 100%): hubspot:h1 <dana@acme.example>, intercom:i3" in text
    )
    assert "The same id (stripe id cus_1; sure to 95%): intercom:i1 <eve@acme.example>, stripe:cus_1" in text
    assert answer(command, home, "why", ids["h1"]).splitlines()[1:] == text.splitlines()[1:]


@pytest.mark.usefixtures("ids")
def test_why_two_are_the_same_is_a_way_from_one_to_the_other(command: Command, home: Path) -> None:
    text = answer(command, home, "why", "intercom:i3", "bills@acme.example")
    assert [line.strip(" -") for line in text.splitlines()[1:]] == [
        "intercom:i3 <dana@acme.example> and hubspot:h1 <dana@acme.example> share: email dana@acme.example.",
        "hubspot:h1 <dana@acme.example> and intercom:i1 <eve@acme.example> share: email eve@acme.example.",
        "intercom:i1 <eve@acme.example> and stripe:cus_1 <bills@acme.example> share: stripe id cus_1.",
    ]


def test_why_two_are_not_the_same(command: Command, home: Path, ids: dict[str, str]) -> None:
    inbox = answer(command, home, "why", "hubspot:h2", "intercom:i2")
    assert "two customers" in inbox
    assert "held back for review: shared inbox" in inbox
    assert "an inbox that several people read" in inbox
    assert "a mail provider's, which says nothing" in answer(command, home, "why", "h3", "i4")
    assert "They share no address and no id" in answer(command, home, "why", "h3", "h1")
    facts = json.loads(answer(command, home, "why", "h3", "h1", "--json"))
    assert facts["customer_ids"] == [ids["h3"], ids["h1"]]


@pytest.mark.usefixtures("ids")
def test_why_companies(command: Command, home: Path) -> None:
    assert "only the addresses of its people say so" in answer(command, home, "why", "acme.example")
    assert "No company has the id or domain other.example" in refusal(command, home, "why", "other.example")


def test_why_a_company_without_a_domain_is_where_it_is(command: Command, home: Path) -> None:
    lake = Lake(home / "lake")
    people_at = (("a@acme.example", "7"), ("b@acme.example", "8"), ("c@bolt.example", "8"))
    records: Mapping[str, Sequence[Row]] = {
        "hubspot/companies": [{"id": "7", "name": "Acme"}, {"id": "8", "name": "Wander"}],
        "hubspot/contacts": [{"id": email, "email": email, "company_id": company} for email, company in people_at],
    }
    for table, rows in records.items():
        lake.write(table, f"{DAY}T0000", engine().to_pyarrow(filled(table, *rows)), full=True)
    make(home)
    made = lake.partition(companies.TABLE.key, str(DAY)).to_pyarrow().to_pylist()
    named = {row["name"]: row["company_id"] for row in made}

    acme = answer(command, home, "why", "acme.example")
    assert "Without a domain of its own, but all its contacts write from acme.example: hubspot:7." in acme
    assert "all contacts of that record write from it" in acme
    wander = answer(command, home, "why", named["Wander"])
    assert (
        "Held back for review: it has no domain, and its contacts write from acme.example and bolt.example." in wander
    )


@pytest.mark.usefixtures("ids")
def test_who_is_not_clear_is_said_with_what_to_write(command: Command, home: Path) -> None:
    assert "may be any of 2 customers. Name one by a record" in refusal(command, home, "why", "info@acme.example")
    assert f"Nobody is called ghost@acme.example on {DAY}" in refusal(command, home, "why", "ghost@acme.example")
    assert "There is no identity/links of 2020-01-01" in refusal(command, home, "why", "h1", "--day", "2020-01-01")


def test_a_merge_counts_from_the_next_day_until_it_is_undone(command: Command, home: Path, ids: dict[str, str]) -> None:
    said = answer(command, home, "identity", "merge", "h3", "yan@gmail.com", "--why", "She said so", "--who", "Noor")
    assert said.startswith("Decision 1: hubspot:h3 and intercom:i4 are the same.")
    merged = make(home)
    assert merged["h3"] == merged["i4"]
    assert merged["h3"] in (ids["h3"], ids["i4"])
    assert "Decision 1 by Noor" in answer(command, home, "why", "h3", "i4")
    assert "the same customer already" in refusal(command, home, "identity", "merge", "h3", "i4", "--why", "again")

    assert "Taken back: decision 1" in answer(
        command, home, "identity", "undo", "1", "--why", "A mistake", "--who", "Ola"
    )
    assert make(home) == ids
    assert "no decision 1 in force" in refusal(command, home, "identity", "undo", "1", "--why", "again")
    listed = answer(command, home, "identity", "decisions")
    assert "merge  hubspot:h3  intercom:i4  Noor: She said so" in listed
    assert "by Ola: A mistake" in listed


def test_two_who_are_listed_for_review_are_kept_apart_by_a_split(
    command: Command, home: Path, ids: dict[str, str]
) -> None:
    first, second = sorted((ids["h3"], ids["i4"]))
    pair = {
        "kind": "person",
        "first_id": first,
        "second_id": second,
        "rule": "similar",
        "score": 0.97,
        "reason": "alike",
    }
    Lake(home / "lake").write("identity/review", str(DAY), engine().to_pyarrow(filled("identity/review", pair)))
    said = answer(command, home, "identity", "split", "h3", "i4", "--why", "Brothers", "--who", "Noor")
    assert "hubspot:h3 and intercom:i4 are not the same" in said
    assert make(home) == ids
    assert "Decision 1 by Noor" in answer(command, home, "why", "h3", "i4")


def test_a_split_holds_on_every_day_that_is_made_after_it(command: Command, home: Path, ids: dict[str, str]) -> None:
    assert "two customers already" in refusal(command, home, "identity", "split", "h1", "h3", "--why", "x")
    answer(command, home, "identity", "split", "dana@acme.example", "eve@acme.example", "--why", "Eve took over")
    apart = make(home, str(DAY + timedelta(days=1)))
    assert apart["h1"] == apart["i3"] == ids["h1"]
    assert apart["i1"] == apart["cus_1"] != apart["h1"]
    assert "Decision 1 by" in answer(command, home, "why", "dana@acme.example", "eve@acme.example")
    assert make(home) == apart | {"i1": apart["i1"]}  # the day before, made again
    assert "says split already" in refusal(command, home, "identity", "merge", "h1", "i1", "--why", "no")
    answer(command, home, "identity", "undo", "1", "--why", "It was her sister's address")
    assert make(home) == ids


def test_nothing_is_decided_in_a_home_without_data(command: Command, home: Path) -> None:
    assert "There is no identity/links in this home yet" in refusal(command, home, "why", "a@b.example")
    assert "Nobody has decided anything yet" in answer(command, home, "identity", "decisions")
