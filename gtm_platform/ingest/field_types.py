"""Which fields a stream's raw records have, and of which types: counted on a small sample of each extraction.

Values never leave the record that is looked at. Names of members that are data, such as ids and addresses that some
systems use as keys, all count as one.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gtm_platform.ingest.record import FACTS, ROW, RawRecord

SAMPLED_FIRST = 50  # records of an extraction that are looked at, and one of each page after them
DEEPEST, MOST_FIELDS = 4, 3_000
DATA = "*"  # in place of a name that is data
NAME = re.compile(r"[A-Za-z_$][A-Za-z_$-]*(?:\d{1,4}[A-Za-z_$-]*){0,3}")
LONGEST_NAME = 64
DECODE = msgspec.json.Decoder().decode
TYPES = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "text",
    list: "list",
    dict: "object",
}


@dataclass
class FieldTypes:
    """How many of the sampled records have each field, by its path and type.

    `parents` counts the objects that could have had the fields below a path: "" is the record itself.
    """

    records: int = 0
    types: Counter[tuple[str, str]] = field(default_factory=Counter)
    parents: Counter[str] = field(default_factory=Counter)

    def sample(self, page: Sequence[bytes]) -> None:
        """Look at some records of a page."""
        if self.records < SAMPLED_FIRST:
            for raw in page[: SAMPLED_FIRST - self.records]:
                self._count(raw)
        elif page:
            self._count(page[self.records % len(page)])

    def by_path(self) -> dict[str, dict[str, int]]:
        """Return the types of each field, with how many records have them."""
        counted: dict[str, dict[str, int]] = {}
        for (path, kind), count in self.types.items():
            counted.setdefault(path, {})[kind] = count
        return counted

    def present(self) -> Counter[str]:
        """Return how many records have each field, of whatever type."""
        return Counter({path: sum(types.values()) for path, types in self.by_path().items()})

    def _count(self, raw: bytes) -> None:
        try:
            record = DECODE(raw.document if isinstance(raw, RawRecord) else raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return  # the quarantine has it
        if isinstance(record, dict):
            self.records += 1
            seen = {*_fields(record, "", DEEPEST)}
            self.types.update((path, kind) for path, kind in seen if kind)
            self.parents.update(path for path, kind in seen if not kind)


def _fields(record: dict[str, Any], above: str, levels: int) -> Iterator[tuple[str, str]]:
    """Yield each field with its type, and each object that has fields with ""."""
    yield above, ""
    for key, value in record.items():
        if key in (FACTS, ROW) and not above:
            continue
        path = f"{above}{key if is_name(key) else DATA}"
        yield path, TYPES[type(value)]
        if levels > 1 and isinstance(value, dict):
            yield from _fields(value, f"{path}.", levels - 1)
        elif levels > 1 and isinstance(value, list) and value and isinstance(value[0], dict):
            yield from _fields(value[0], f"{path}[].", levels - 1)


def is_name(key: str) -> bool:
    """Whether a member's name looks like one that a programmer chose."""
    return len(key) <= LONGEST_NAME and NAME.fullmatch(key) is not None
