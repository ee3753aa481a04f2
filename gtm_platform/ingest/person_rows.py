"""What becomes of a row that names an erased person: it goes, or it stays without them. No table is known by name.

The same rules hold for rows that lie in the lake and for records that a system sends; who is named is for `Names` to
say, by the person themselves or by keyed hashes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from pydantic import BaseModel

from gtm_platform.lake.contracts import TABLES, Contract

ERASED = "[erased]"
PAYLOAD = "payload"  # is emptied wherever a row stays: what else of it is theirs nobody knows
# An address in such a column is of one of us, of whom the row is not.
OF_TEAM = re.compile(r"owner|manager|host|assign|admin|entered|researched|requested|agent")
OF_COMPANY = re.compile(r"^(company|partner|account)_(name|domain|key|id)$|^domain$")
IRREGULAR = {"people": "person"}
OF_SUBJECT = ("customer_id", "subject_id")  # whom a row is about, where its key is another
SHORTEST_OPAQUE = 8  # characters of an id that no other system or kind of record has, too


class Names(Protocol):
    """Who is to be recognised."""

    @property
    def is_teammate(self) -> bool:
        """Whether it is one of us, whose rows are about others."""

    def is_named(self, text: str) -> bool:
        """Whether a whole value is an address, or another name, of theirs."""

    def cleaned(self, text: str) -> str:
        """Return a text without what names them."""

    def is_record(self, table: str, id: str) -> bool:
        """Whether a record of a source is theirs, by its table and id."""

    def is_customer(self, id: str) -> bool:
        """Whether a customer's id is theirs."""


@dataclass(frozen=True)
class Verdict:
    """What becomes of a row: all of it goes, or some of its values change, or neither."""

    goes: bool = False
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_named(self) -> bool:
        """Whether anything becomes of the row."""
        return self.goes or bool(self.changes)


@dataclass(frozen=True)
class Shape:
    """What is to be known of a table: which columns are keys, personal, never null, or ids of what."""

    table: str
    key: frozenset[str]
    personal: frozenset[str]
    required: frozenset[str]
    references: Mapping[str, str]  # the table whose ids a column holds
    is_of_companies: bool
    is_of_source: bool
    is_quarantine: bool

    @classmethod
    def of(cls, table: str, columns: Sequence[str], contract: Contract | None) -> "Shape":
        """Describe a table, by its contract where it has one."""
        declared = contract.columns if contract else {}
        is_of_source = bool(contract and contract.cadence)
        quarantine = table.startswith("quarantine/")
        return cls(
            table,
            frozenset(contract.key if contract else ()),
            frozenset(name for name, column in declared.items() if column.personal),
            frozenset(name for name, column in declared.items() if not column.nullable),
            references(table, columns) if is_of_source and not quarantine else {},
            any(OF_COMPANY.search(name) for name in columns),
            is_of_source,
            quarantine,
        )


@cache
def singular(stream: str) -> str:
    """Return what one record of a stream is called: contacts are of a contact."""
    if stream in IRREGULAR:
        return IRREGULAR[stream]
    return f"{stream[:-3]}y" if stream.endswith("ies") else stream.removesuffix("s")


def references(table: str, columns: Sequence[str]) -> dict[str, str]:
    """Return the columns of a source's table that hold ids of one of its tables, its own key among them."""
    source = table.split("/")[0]
    ids = {f"{singular(other)}_id": f"{source}/{other}" for other in _streams(source)} | {"id": table}
    key = TABLES[table].key if table in TABLES else ()
    own = {key[0]: table} if len(key) == 1 else {}
    return {name: (ids | own)[name] for name in columns if name in ids or name in own}


def _streams(source: str) -> list[str]:
    return [
        name.split("/")[1] for name, contract in TABLES.items() if contract.cadence and name.startswith(f"{source}/")
    ]


def is_opaque(id: str) -> bool:
    """Whether an id is such that it is nobody else's in any system."""
    return len(id) >= SHORTEST_OPAQUE and not id.isdigit()


def judge(shape: Shape, row: Mapping[str, Any], names: Names) -> Verdict:
    """Say what becomes of a row."""
    hits = [name for name, value in row.items() if isinstance(value, str) and _is_theirs(shape, name, value, names)]
    if shape.is_quarantine:
        return Verdict(goes=bool(hits) or any(_changed(value, names) is not KEPT for value in row.values()))
    paired = _is_of_pair(row, names, shape)
    if (paired or any(_is_about(shape, row, name, names) for name in hits)) and not names_others(row, names):
        return Verdict(goes=True)
    changes = {name: _blank(shape, name) for name in _blanked(shape, row, hits, names, paired=paired)}
    changes |= _without_links(row, names, shape)
    for name, value in row.items():
        if name not in changes and name != PAYLOAD and (new := _changed(value, names)) is not KEPT:
            changes[name] = _filled(shape, name, new)
    if changes.keys() & shape.key:  # without it the row is none, or the same as another
        return Verdict(goes=True)
    payload = row.get(PAYLOAD)
    if isinstance(payload, str) and (changes or _changed(payload, names) is not KEPT):
        changes[PAYLOAD] = None
    return Verdict(changes=changes)


def _is_theirs(shape: Shape, name: str, value: str, names: Names) -> bool:
    if names.is_customer(value) or (name != PAYLOAD and names.is_named(value)):
        return True
    referred = shape.references.get(name)
    return bool(referred and names.is_record(referred, value)) or (
        shape.is_of_source and name.endswith("id") and is_opaque(value) and names.is_record("", value)
    )


def _is_about(shape: Shape, row: Mapping[str, Any], name: str, names: Names) -> bool:
    """Whether a row is theirs because of what stands in one of its columns."""
    value = row[name]
    if name in shape.key or name in OF_SUBJECT or name in shape.references:
        return True
    if not shape.is_of_source:
        return False
    if not names.is_named(value):
        return True  # an id that is theirs alone
    if "@" not in value or OF_TEAM.search(name):
        return False
    return name == "email" or not (shape.is_of_companies or names.is_teammate)


def _is_of_pair(row: Mapping[str, Any], names: Names, shape: Shape) -> bool:
    """Whether two columns name a record of theirs: its source and id, or its kind and id."""
    if not shape.is_of_source:
        source, id = row.get("source"), row.get("record_id")
        return isinstance(source, str) and isinstance(id, str) and names.is_record(f"{source}/", id)
    return any(
        isinstance(id := row.get(f"{prefix}id"), str) and names.is_record(table, id)
        for prefix, table in _kinds(row, shape)
    )


def _kinds(row: Mapping[str, Any], shape: Shape) -> list[tuple[str, str]]:
    """Return the table whose id stands beside each column that says a kind: from_type beside from_id."""
    source = shape.table.split("/")[0]
    streams = set(_streams(source))
    return [
        (name.removesuffix("type"), f"{source}/{value}")
        for name, value in row.items()
        if name.endswith("type") and isinstance(value, str) and value in streams
    ]


def _without_links(row: Mapping[str, Any], names: Names, shape: Shape) -> dict[str, Any]:
    """Return lists of links without those to records of theirs, whose kind stands in a column of the row."""
    changed: dict[str, Any] = {}
    for prefix, table in _kinds(row, shape) if shape.is_of_source else ():
        for name, value in row.items():
            if isinstance(value, (list, tuple)):
                kept = [each for each in value if not names.is_record(table, str(_members(each).get(f"{prefix}id")))]
                changed |= {name: kept} if len(kept) < len(value) else {}
    return changed


def names_others(row: Mapping[str, Any], names: Names) -> bool:
    """Whether addresses of others stand in a list of the row, which is theirs as well."""
    for value in row.values():
        for element in value if isinstance(value, (list, tuple)) else ():
            texts = [element] if isinstance(element, str) else _texts_of(element)
            if any("@" in text and not names.is_named(text) for text in texts):
                return True
    return False


def _blanked(shape: Shape, row: Mapping[str, Any], hits: Sequence[str], names: Names, *, paired: bool) -> set[str]:
    """Name the values that are theirs beside those that name them."""
    scalars = {name for name, value in row.items() if name in shape.personal and not isinstance(value, (list, tuple))}
    blanked: set[str] = set()
    for name in hits:
        prefix = name.rpartition("_")[0]
        if shape.is_of_source and not OF_TEAM.search(name) and not names.is_teammate:
            blanked |= scalars
        elif prefix:
            blanked |= {other for other in scalars if other.startswith(f"{prefix}_")}
        blanked.add(name)
    if paired:
        blanked |= scalars
    return {name for name in blanked - shape.key - {PAYLOAD} if row.get(name) is not None}


KEPT = object()  # a value that names nobody


def _changed(value: Any, names: Names) -> Any:
    """Return a value without them; KEPT where it does not name them, None where nothing is left."""
    if isinstance(value, str):
        if names.is_named(value):
            return None
        return KEPT if (clean := names.cleaned(value)) == value else clean
    if isinstance(value, (list, tuple)):
        kept = [each for each in value if not _is_element_theirs(each, names)]
        changed = [_changed(each, names) for each in kept]
        if len(kept) == len(value) and all(each is KEPT for each in changed):
            return KEPT
        return [old if new is KEPT else new for old, new in zip(kept, changed, strict=True)]
    if isinstance(value, (dict, BaseModel)):
        return _changed_members(value, names)
    return KEPT


def _changed_members(value: Any, names: Names) -> Any:
    members = value if isinstance(value, dict) else vars(value)
    changed = {name: new for name, member in members.items() if (new := _changed(member, names)) is not KEPT}
    if not changed:
        return KEPT
    return {**value, **changed} if isinstance(value, dict) else value.model_copy(update=changed)


def _is_element_theirs(element: Any, names: Names) -> bool:
    texts = [element] if isinstance(element, str) else _texts_of(element)
    return any(names.is_named(text) or names.is_customer(text) for text in texts)


def _texts_of(element: Any) -> list[str]:
    return [text for text in _members(element).values() if isinstance(text, str)]


def _members(element: Any) -> Mapping[str, Any]:
    return element if isinstance(element, dict) else vars(element) if isinstance(element, BaseModel) else {}


def _blank(shape: Shape, name: str) -> Any:
    return ERASED if name in shape.required else None


def _filled(shape: Shape, name: str, value: Any) -> Any:
    return ERASED if value is None and name in shape.required else value
