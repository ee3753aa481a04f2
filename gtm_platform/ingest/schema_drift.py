"""Schema drift: fields of a stream's raw records that are new, vanished, or of another type than before.

What is known of a stream's fields lies in a file of its own beside the lake, with the changes that were noticed. A
change is open until somebody acknowledges it, until it is undone, or until some days have passed.
"""

import fcntl
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from gtm_platform.ingest.field_types import DATA, MOST_FIELDS, FieldTypes
from gtm_platform.lake.lake import Lake

LEARNT_FROM = 20  # sampled records, before which nothing is a change
DECIDED_AFTER, LEAST_SHARE = 5, 0.2  # a type is news once this share of so many records since its first has it
ALWAYS, MISSING_IN = 0.95, 20  # a field that nearly all records had, and that so many on end lack, has vanished
REMEMBERED = 2_000  # records that shares are of; older ones count half
CHANGES_KEPT = 500
OBJECT = "object"  # the type of a field that holds fields

Kind = Literal["new field", "vanished field", "changed type"]


@dataclass(frozen=True)
class SchemaChange:
    """A field that is otherwise than it was; types only, never values."""

    field: str
    kind: Kind
    type_before: str  # "" where it is new
    type_now: str  # "" where it vanished
    first_seen: str  # the instant of the sync that brought the first such record
    acknowledged_at: str | None = None
    undone_at: str | None = None  # a vanished field came back

    def is_open(self, now: datetime, days: int) -> bool:
        """Whether it still deserves a warning."""
        recent = now - datetime.fromisoformat(self.first_seen) < timedelta(days=days)
        return recent and not self.acknowledged_at and not self.undone_at

    def __str__(self) -> str:
        if self.kind == "new field":
            return f"{self.field} is new, of type {self.type_now}"
        if self.kind == "vanished field":
            return f"{self.field} is no longer sent; it was of type {self.type_before}"
        return f"{self.field} was of type {self.type_before} and is now also of type {self.type_now}"


@dataclass
class TypeCount:
    """A type of a field: since when, in how many of the records since then, and whether it is settled."""

    first_seen: str
    seen: int = 0
    of: int = 0
    settled: bool = False


@dataclass
class FieldCount:
    """A field: its types, in how many of its possible records it was, and how many lacked it since."""

    seen: int = 0
    of: int = 0
    missing: int = 0
    vanished: bool = False
    types: dict[str, TypeCount] = field(default_factory=dict)

    def settled_types(self) -> list[str]:
        """Return the types that it has for good."""
        return sorted(name for name, count in self.types.items() if count.settled and name != "null")


@dataclass
class StreamFields:
    """What is known of the fields of a stream."""

    records: int = 0
    fields: dict[str, FieldCount] = field(default_factory=dict)
    changes: list[SchemaChange] = field(default_factory=list)

    def learn(self, sample: FieldTypes, now: datetime, read: Collection[str] = ()) -> None:
        """Count a sample, and note what has changed with it.

        A new field that is `read` already is no news.
        """
        at, learning = f"{now:%Y-%m-%dT%H:%M:%S+00:00}", self.records < LEARNT_FROM
        self.records += sample.records
        present = sample.present()
        for path in present:
            if path in self.fields or len(self.fields) < MOST_FIELDS:
                self.fields.setdefault(path, FieldCount())
        types = sample.by_path()
        for path, counted in sorted(self.fields.items()):  # objects before what they hold
            possible = sample.parents[parent_of(path)]
            self._count_presence(path, counted, present[path], possible, at)
            self._count_types(path, counted, types.get(path, {}), possible, at, learning=learning)
        news = [each for each in self.changes if each.kind != "new field" or each.field not in read]
        self.changes = news[-CHANGES_KEPT:]

    def _count_presence(self, path: str, counted: FieldCount, seen: int, possible: int, at: str) -> None:
        if seen and counted.vanished:
            counted.vanished = False
            self._undo(path, at)
        counted.missing = 0 if seen else counted.missing + possible
        always = counted.of >= LEARNT_FROM and counted.seen >= ALWAYS * counted.of
        if always and not counted.vanished and counted.missing >= MISSING_IN:
            counted.vanished = True
            self._note(SchemaChange(path, "vanished field", _words(counted), "", at))
        if seen:  # what lacks it since does not make it a field that often lacks
            counted.seen, counted.of = counted.seen + seen, counted.of + possible
        if counted.of > REMEMBERED:
            counted.seen, counted.of = counted.seen // 2, counted.of // 2

    def _count_types(
        self, path: str, counted: FieldCount, types: Mapping[str, int], possible: int, at: str, *, learning: bool
    ) -> None:
        for name, seen in types.items():
            counted.types.setdefault(name, TypeCount(at)).seen += seen
        fresh = {name: kind for name, kind in counted.types.items() if not kind.settled}
        for kind in fresh.values():
            kind.of += possible
        ripe = {name: kind for name, kind in fresh.items() if learning or kind.of >= DECIDED_AFTER}
        if ripe and not learning:
            self._judge(path, counted, ripe)
        for kind in ripe.values():
            kind.settled = True

    def _judge(self, path: str, counted: FieldCount, ripe: dict[str, TypeCount]) -> None:
        """Note a field, or a type of it, that a share of its records have; what few have was only not sampled."""
        before, is_new = counted.settled_types(), not any(kind.settled for kind in counted.types.values())
        first_seen = min(kind.first_seen for kind in ripe.values())
        common = _is_common(sum(kind.seen for kind in ripe.values()), max(kind.of for kind in ripe.values()))
        if is_new and common and not self._came_with_its_object(path, first_seen):
            types = sorted(name for name in ripe if name != "null") or ["null"]
            self._note(SchemaChange(path, "new field", "", " or ".join(types), first_seen))
        for name, kind in ripe.items():
            if before and name != "null" and _is_common(kind.seen, kind.of):
                self._note(SchemaChange(path, "changed type", " or ".join(before), name, kind.first_seen))

    def _came_with_its_object(self, path: str, at: str) -> bool:
        """Say whether the field is part of an object of which there was only a null before."""
        above = self.fields.get(parent_of(path).rstrip("."))
        return above is not None and OBJECT in above.types and above.types[OBJECT].first_seen == at

    def _note(self, change: SchemaChange) -> None:
        """Note a change, unless it is part of that of the object which the field lies in."""
        noted = {each.field for each in self.changes if each.kind == change.kind and not each.undone_at}
        if noted.isdisjoint(_above(change.field)) and DATA not in re.split(r"[.\[\]]+", change.field):
            self.changes.append(change)

    def _undo(self, path: str, at: str) -> None:
        self.changes = [
            replace(each, undone_at=at)
            if each.field == path and each.kind == "vanished field" and not each.undone_at
            else each
            for each in self.changes
        ]


def parent_of(path: str) -> str:
    """Return the path of the object that a field lies in, as samples count it; "" is the record."""
    above, dot, _ = path.rpartition(".")
    return above + dot


def _above(path: str) -> Iterator[str]:
    """Yield the objects and lists that a field lies in."""
    while parent := parent_of(path):
        path = parent.removesuffix(".").removesuffix("[]")
        yield path


def _is_common(seen: int, of: int) -> bool:
    return seen >= LEAST_SHARE * of


def _words(counted: FieldCount) -> str:
    return " or ".join(counted.settled_types()) or "null"


# --- the file of a stream ---------------------------------------------------------------------------------------------


def learn(lake: Lake, table: str, sample: FieldTypes, now: datetime, read: Collection[str] = ()) -> None:
    """Count a sample of a stream's records in its file; `read` are the fields that the stream reads."""
    if sample.records:
        with _changing(lake, table) as stream:
            stream.learn(sample, now, read)


def acknowledge(lake: Lake, table: str, now: datetime, path: str | None = None) -> list[SchemaChange]:
    """Mark the changes of a stream, or of a field of it, as seen by a person; return those that were not."""
    if not changes_of(lake, table):
        return []
    at = f"{now:%Y-%m-%dT%H:%M:%S+00:00}"
    with _changing(lake, table) as stream:
        seen = [each for each in stream.changes if not each.acknowledged_at and path in (None, each.field)]
        stream.changes = [replace(each, acknowledged_at=at) if each in seen else each for each in stream.changes]
    return seen


def changes_of(lake: Lake, table: str) -> list[SchemaChange]:
    """Return what was noticed of a stream, the oldest first."""
    return _read(_file(lake, table)).changes


def changes_by_table(lake: Lake) -> dict[str, list[SchemaChange]]:
    """Return what was noticed of every stream that has changes."""
    names = sorted(path.stem for path in _folder(lake).glob("[!.]*.json"))
    tables = {name.replace(".", "/", 1): name for name in names}
    return {table: changes for table in tables if (changes := changes_of(lake, table))}


@contextmanager
def _changing(lake: Lake, table: str) -> Iterator[StreamFields]:
    """Yield what is known of a stream, and write it when the context ends; two processes take turns."""
    file = _file(lake, table)
    file.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        stream = _read(file)
        yield stream
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        draft.write_text(json.dumps(asdict(stream), separators=(",", ":")))
        draft.replace(file)
    finally:
        os.close(folder)


def _read(file: Path) -> StreamFields:
    """What is known by a file; nothing where it is missing or broken, since fields are learnt again."""
    try:
        kept: dict[str, Any] = json.loads(file.read_text())
        return StreamFields(
            kept["records"],
            {
                path: FieldCount(**{**count, "types": {name: TypeCount(**of) for name, of in count["types"].items()}})
                for path, count in kept["fields"].items()
            },
            [SchemaChange(**change) for change in kept["changes"]],
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return StreamFields()


def _folder(lake: Lake) -> Path:
    return lake.home / "schemas"


def _file(lake: Lake, table: str) -> Path:
    return _folder(lake) / f"{table.replace('/', '.')}.json"
