"""Who a person is: the customers, records, addresses and names by which they are found everywhere."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import ibis

from gtm_platform.identity import companies, links, people
from gtm_platform.identity.person_records import FEEDS
from gtm_platform.ingest.addresses import normal_address
from gtm_platform.ingest.feeds import PersonFeed, feed_rows, read
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import File, Lake

COMPANIES = companies.TABLE.key
SHORTEST_NAME = 7  # letters of a name of two words; a shorter one is in too many other words
SHORTEST_PHONE = 7  # digits
SHORTEST_HANDLE = 5
HANDLES = re.compile(r"(login|username|_url|person_key)$")  # personal columns that name somebody's page


class Nobody(LookupError):
    """Nothing is known of whoever is meant; the message says what was looked for."""


@dataclass(frozen=True)
class Person:
    """By what one person is recognised; `shared_names` are others', too, and do not tell who is meant."""

    customer_ids: tuple[str, ...] = ()
    records: tuple[tuple[str, str], ...] = ()  # table and id
    addresses: tuple[str, ...] = ()  # normalised, and as they were written
    phones: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    shared_names: tuple[str, ...] = ()
    is_teammate: bool = False

    @classmethod
    def from_json(cls, text: str) -> "Person":
        """Read what `to_json` wrote."""
        values: dict[str, Any] = json.loads(text)
        texts = {name: tuple(value) for name, value in values.items() if name not in ("records", "is_teammate")}
        records = tuple((table, id) for table, id in values["records"])
        return cls(**texts, records=records, is_teammate=values["is_teammate"])

    def to_json(self) -> str:
        """Return the person as text, to be sealed."""
        return json.dumps(asdict(self))

    @property
    def sources(self) -> dict[str, int]:
        """How many records of theirs each system has."""
        counts: dict[str, int] = {}
        for table, _ in self.records:
            source = table.split("/")[0]
            counts[source] = counts.get(source, 0) + 1
        return counts


def find_person(lake: Lake, reference: str) -> Person:
    """Return whom an address, a customer's id or `source:record` means, by every day there is."""
    text = reference.strip()
    rows_of_links = _links(lake)
    named = [row for row in rows_of_links if _is_meant(row, text)] or _by_further_address(lake, rows_of_links, text)
    if not named:
        address = normal_address(text)
        if address is None:
            raise Nobody(f"Nobody is called {text} in any day of this home. Give an address, or a customer's id.")
        return _with_profile(lake, Person(addresses=_distinct([address, text])))
    newest = max(row["day"] for row in named)
    customers = {row["customer_id"] for row in named if row["day"] == newest}
    now = [row for row in rows_of_links if row["day"] == newest]
    customers |= {alias for row in now if row["customer_id"] in customers for alias in row["aliases"] or ()}
    strangers = {(row["source"], row["record_id"]) for row in now if row["customer_id"] not in customers}
    own = [row for row in rows_of_links if row["customer_id"] in customers]
    own = [row for row in own if (row["source"], row["record_id"]) not in strangers]
    tables = {feed.source: feed.table for feed in FEEDS}
    records = tuple(sorted({(tables[row["source"]], row["record_id"]) for row in own if row["source"] in tables}))
    theirs = [row["email"] for row in now if row["email"] and row["customer_id"] not in customers]
    addresses = {row["email"] for row in own if row["email"]} | set(_further_addresses(lake, customers))
    person = Person(tuple(sorted(customers)), records, _distinct(sorted(addresses - set(theirs))))
    return _with_profile(lake, person)


def _is_meant(row: dict[str, Any], text: str) -> bool:
    ids = (row["customer_id"], *(row["aliases"] or ()), f"{row['source']}:{row['record_id']}")
    return text in ids or (row["email"] is not None and row["email"] == normal_address(text))


def _links(lake: Lake) -> list[dict[str, Any]]:
    return _rows_of_all(lake, links.TABLE.key, ("source", "record_id", "customer_id", "aliases", "email"))


def _rows_of_all(lake: Lake, table: str, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Return columns of every file of a daily table, superseded ones too, each row with its day."""
    rows: list[dict[str, Any]] = []
    by_day: dict[str, list[File]] = {}
    for file in lake.versions(table):
        by_day.setdefault(file.partition, []).append(file)
    for day, files in by_day.items():
        for row in engine().to_pyarrow(lake.read(table, files).select(*columns).distinct()).to_pylist():
            rows.append({**row, "day": day})
    return rows


def _by_further_address(lake: Lake, rows_of_links: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    address = normal_address(text)
    rows = _rows_of_all(lake, people.TABLE.key, ("customer_id", "all_emails")) if address else []
    meant = {(row["day"], row["customer_id"]) for row in rows if address in row["all_emails"]}
    return [row for row in rows_of_links if (row["day"], row["customer_id"]) in meant]


def _further_addresses(lake: Lake, customers: set[str]) -> list[str]:
    rows = _rows_of_all(lake, people.TABLE.key, ("customer_id", "all_emails"))
    newest = max((row["day"] for row in rows), default="")
    taken = {
        email
        for row in rows
        if row["day"] == newest and row["customer_id"] not in customers
        for email in row["all_emails"]
    }
    return [
        email for row in rows if row["customer_id"] in customers for email in row["all_emails"] if email not in taken
    ]


def _with_profile(lake: Lake, person: Person) -> Person:
    """Add what the records of the person say of names, numbers and pages, and whether it is one of us."""
    rows = [row for feed in FEEDS for row in _rows_of_feed(lake, feed, person)]
    addresses = [*person.addresses, *(row["email"] for row in rows), *(e for row in rows for e in row["others"] or ())]
    names = sorted({row["name"] for row in rows if row["name"]})
    full = [name for name in names if " " in name.strip() and len(name.strip()) >= SHORTEST_NAME]
    firms = _company_names(lake) | {(row["company"] or "").strip().lower() for row in rows}
    full = [name for name in full if name.strip().lower() not in firms]  # who pays may be called as the company is
    shared = _names_of_others(lake, person, full)
    phones = sorted({text for row in rows for text in row["phones"] if text})
    handles = sorted({text for row in rows for text in row["handles"] if text})
    return Person(
        person.customer_ids,
        person.records,
        tuple(sorted({address for address in addresses if address and normal_address(address)})),
        tuple(phone for phone in phones if sum(c.isdigit() for c in phone) >= SHORTEST_PHONE),
        tuple(name for name in full if name not in shared),
        tuple(handle for handle in handles if len(handle) >= SHORTEST_HANDLE),
        tuple(shared),
        _is_teammate(lake, person),
    )


def _rows_of_feed(lake: Lake, feed: PersonFeed, person: Person) -> list[dict[str, Any]]:
    """Return what every version of the person's records in a feed says of them."""
    files = lake.versions(feed.table)
    if not files:
        return []
    table = feed_rows(feed, lake.read(feed.table, files))
    ids = [id for of, id in person.records if of == feed.table]
    email = read(table, feed.email).lower()
    mine = read(table, feed.id).isin(ids) | email.isin([address.lower() for address in person.addresses])
    personal = [name for name, column in contract_of(feed.table).columns.items() if column.personal]
    shown = {name: table[name] for name in personal if name in table.columns and table[name].type().is_string()}
    phones = [value for name, value in shown.items() if "phone" in name]
    handles = [value for name, value in shown.items() if HANDLES.search(name)]
    selected = table.filter(mine).select(
        name=read(table, feed.name),
        email=read(table, feed.email),
        company=read(table, feed.company_name),
        others=read(table, feed.other_emails, "array<string>").cast("array<string>"),
        phones=_texts(phones),
        handles=_texts(handles),
    )
    rows: list[dict[str, Any]] = engine().to_pyarrow(selected.distinct()).to_pylist()
    return rows


def _company_names(lake: Lake) -> set[str]:
    files = lake.files(COMPANIES)
    if not files:
        return set()
    names = engine().to_pyarrow(lake.read(COMPANIES, files[-1:]).select("name").distinct())["name"].to_pylist()
    return {name.strip().lower() for name in names if name}


def _texts(values: Sequence[ibis.Value]) -> ibis.Value:
    return ibis.array(list(values)).cast("array<string>") if values else ibis.literal([], type="array<string>")


def _names_of_others(lake: Lake, person: Person, names: Sequence[str]) -> list[str]:
    """Return which of some names somebody else has, too, by the newest records."""
    shared: set[str] = set()
    for feed in FEEDS:
        if not (names and feed.name and lake.files(feed.table)):
            continue
        table = feed_rows(feed, lake.as_of(feed.table, "9999"))
        ids = [id for of, id in person.records if of == feed.table]
        own = read(table, feed.id).isin(ids) | read(table, feed.email).lower().isin(list(person.addresses))
        namesakes = table.filter(~own.fill_null(False) & read(table, feed.name).isin(list(names)))
        shared |= set(
            engine().to_pyarrow(namesakes.select(name=read(namesakes, feed.name)).distinct())["name"].to_pylist()
        )
    return [name for name in names if name in shared]


def _is_teammate(lake: Lake, person: Person) -> bool:
    owners = {feed.owners.table: feed.owners.email for feed in FEEDS if feed.owners}
    for table, email in owners.items():
        if files := lake.versions(table):
            rows = lake.read(table, files)
            addresses = engine().to_pyarrow(rows.select(email=read(rows, email)).distinct())["email"].to_pylist()
            if {normal_address(each or "") for each in addresses} & set(person.addresses):
                return True
    return False


def _distinct(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(value for value in values if value))
