"""A property of ours in HubSpot: how it is defined, where its value comes from, and how values travel and compare.

Which properties an object type has stands with it in `object_types`.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from gtm_platform.ingest.plain_words import plain_words, sentence_case

FIELD_TYPES = {
    "number": {"number"},
    "string": {"text", "textarea"},
    "enumeration": {"select", "checkbox"},
    "date": {"date"},
}
PERSONAL = "personal:"  # begins what stands for a value that the journal does not keep


@dataclass(frozen=True)
class Origin:
    """Where a value comes from, and the column that says by which rule it was made."""

    table: str
    column: str
    rule: str


@dataclass(frozen=True)
class Property:
    """A property as HubSpot defines it; an enumeration declares the options known beforehand.

    Of a unique one HubSpot lets no two objects have the same value. A personal one says who somebody is, or what was
    said: the journal and reports have a fingerprint of its values.
    """

    name: str
    label: str
    about: str
    origin: Origin
    type: Literal["number", "string", "enumeration", "date"]
    field_type: str
    options: tuple[str, ...] = ()
    personal: bool = False
    unique: bool = False

    def __post_init__(self) -> None:
        if self.field_type not in FIELD_TYPES[self.type]:
            raise TypeError(f"{self.name}: HubSpot shows a {self.type} as {FIELD_TYPES[self.type]}")
        if self.options and not self.has_options:
            raise TypeError(f"{self.name}: only an enumeration has options")

    @property
    def has_options(self) -> bool:
        """Whether its values are options, which HubSpot has to have before a value is written."""
        return self.type == "enumeration"

    @property
    def is_set(self) -> bool:
        """Whether it holds several options at once."""
        return self.field_type == "checkbox"

    def same(self, first: str, second: str) -> bool:
        """Whether HubSpot would call the two wire values the same; a fingerprint is the same as its value."""
        return self._meaning(first) == self._meaning(second)

    def shown(self, value: str) -> str:
        """Return what may be shown and kept of a wire value: of a personal one its fingerprint."""
        if not self.personal or not value or value.startswith(PERSONAL):
            return value
        return PERSONAL + hashlib.sha256(value.encode()).hexdigest()[:16]

    def _meaning(self, value: str) -> object:
        if self.personal:
            return self.shown(value)
        if self.is_set:
            return frozenset(filter(None, value.split(";")))
        if self.type == "number" and value:
            try:
                return Decimal(value)
            except InvalidOperation:
                return value
        return value

    def used_options(self, values: Iterable[str]) -> list[str]:
        """Return every option that these values need; none where the property has no options."""
        if not self.has_options:
            return []
        return sorted({part for value in values for part in value.split(";")} - {""})

    def definition(self, group: str, used: Iterable[str] = ()) -> dict[str, Any]:
        """Return it as HubSpot takes it, with the options that values in use need."""
        definition: dict[str, Any] = {
            "name": self.name,
            "label": self.label,
            "description": self.about,
            "groupName": group,
            "type": self.type,
            "fieldType": self.field_type,
        }
        if self.unique:
            definition["hasUniqueValue"] = True
        if self.has_options:
            values = dict.fromkeys([*self.options, *used])
            definition["options"] = [option(value, order) for order, value in enumerate(values)]
        return definition


def number(name: str, label: str, about: str, origin: Origin) -> Property:
    """Declare a property that holds a number."""
    return Property(name, label, about, origin, "number", "number")


def text(
    name: str, label: str, about: str, origin: Origin, *, personal: bool = False, unique: bool = False
) -> Property:
    """Declare a property that holds a text."""
    return Property(name, label, about, origin, "string", "text", personal=personal, unique=unique)


def long_text(name: str, label: str, about: str, origin: Origin, *, personal: bool = False) -> Property:
    """Declare a property that holds a text of several lines."""
    return Property(name, label, about, origin, "string", "textarea", personal=personal)


def day(name: str, label: str, about: str, origin: Origin) -> Property:
    """Declare a property that holds a date, which of an instant is the day in UTC."""
    return Property(name, label, about, origin, "date", "date")


def select(name: str, label: str, about: str, origin: Origin, options: tuple[str, ...]) -> Property:
    """Declare a property that holds one of several options."""
    return Property(name, label, about, origin, "enumeration", "select", options)


def checkboxes(name: str, label: str, about: str, origin: Origin, options: tuple[str, ...]) -> Property:
    """Declare a property that holds any number of options."""
    return Property(name, label, about, origin, "enumeration", "checkbox", options)


def option(value: str, order: int) -> dict[str, Any]:
    """Return an option as HubSpot takes it."""
    label = sentence_case(plain_words(value))
    return {"label": label, "value": value, "displayOrder": order, "hidden": False}


def wire(value: object) -> str | None:
    """Return a value as HubSpot takes it; None where nothing is known, which leaves what HubSpot holds."""
    if value is None or isinstance(value, str):
        return value
    if type(value) is int:
        return str(value)
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal | int | float):
        decimal = Decimal(str(value))
        return f"{decimal.normalize() + 0:f}" if decimal.is_finite() else None  # + 0: the minus of zero says nothing
    if isinstance(value, Iterable):
        return ";".join(sorted({str(item).replace(";", ",") for item in value}))
    raise TypeError(f"A {type(value).__name__} cannot be written to HubSpot.")


def wire_column(column: pa.ChunkedArray) -> list[str | None]:
    """Return a whole column of values as HubSpot takes them; those that are the same are converted once."""
    if pa.types.is_nested(column.type):  # Arrow tells no lists apart
        values = [None if value is None else tuple(value) for value in column.to_pylist()]
        words = {value: wire(value) for value in set(values)}
        return [words[value] for value in values]
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    distinct = np.array([wire(value) for value in encoded.dictionary.to_pylist()], dtype=object)
    result: list[str | None] = distinct[encoded.indices.to_numpy()].tolist()
    return result


def by_name(properties: Iterable[Property]) -> Mapping[str, Property]:
    """Return the properties by their names in HubSpot."""
    return {property.name: property for property in properties}
