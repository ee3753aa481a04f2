"""What a kind of file may look like: which headings mean which field, and which must be there. Values, per source."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from gtm_platform.ingest.record import Record

Fields = Mapping[str, str | None]
IGNORED = re.compile(r"[\s_\-]+")  # of headings, as is the case of letters
CLOSE, SHORTEST = 0.75, 4  # how much alike a misspelt heading is; in shorter ones all are alike


@dataclass(frozen=True)
class SourceFile:
    """What a file is called and when it came, for what its rows do not say themselves."""

    name: str
    received_on: date

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return self.name.rpartition(".")[0] or self.name


Derive = Callable[[Fields, SourceFile], Mapping[str, Any]]


def nothing_more(_fields: Fields, _file: SourceFile) -> Mapping[str, Any]:
    """Derive no facts from a row."""
    return {}


@dataclass(frozen=True)
class FileLayout:
    """A kind of file. The record reads the mapped fields, and what `derive` makes of them, as facts.

    `headings` are the headings by field, the better ones first: where a file has several of one field, the first that
    is filled in counts. Of `required`, one group of fields must be there whole. A file whose name begins with one of
    `names` is of this kind; another one is of the kind that its headings fit.
    """

    record: type[Record]
    key: tuple[str, ...]
    headings: Mapping[str, Sequence[str]]
    required: tuple[tuple[str, ...], ...]
    names: tuple[str, ...] = ()
    derive: Derive = nothing_more

    def __post_init__(self) -> None:
        plain_forms = [form for name, headings in self.headings.items() for form in {*map(plain, (name, *headings))}]
        if repeated := sorted({form for form in plain_forms if plain_forms.count(form) > 1}):
            raise TypeError(f"{self.record.__name__}: {', '.join(repeated)} stands for two fields.")

    @cached_property
    def fields(self) -> Mapping[str, tuple[str, int]]:
        """The field of each heading in its plain form, and how good a heading it is."""
        return {
            plain(heading): (name, place)
            for name, headings in self.headings.items()
            for place, heading in reversed([*enumerate((name, *headings))])
        }

    def matches_name(self, name: str) -> bool:
        """Whether a file is called as files of this kind are."""
        return plain(name).startswith(tuple(map(plain, self.names))) if self.names else False

    def describe_required(self) -> str:
        """Say which columns a file must have."""
        return ", or ".join(" and ".join(group) for group in self.required)


@dataclass(frozen=True)
class Header:
    """The headings of a file, and what they mean in a layout."""

    layout: FileLayout
    headings: tuple[str, ...]  # each once: a repeated one has a number behind it
    line: int = 1
    columns: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # by field, the better ones first

    @classmethod
    def of(cls, layout: FileLayout, cells: Sequence[str], line: int) -> "Header":
        """Recognise headings."""
        matched: dict[str, list[tuple[int, int]]] = {}
        for position, cell in enumerate(cells):
            if known_heading := layout.fields.get(plain(cell)):
                name, place = known_heading
                matched.setdefault(name, []).append((place, position))
        columns = {name: tuple(position for _, position in sorted(places)) for name, places in matched.items()}
        return cls(layout, _distinct(cells), line, columns)

    @property
    def is_complete(self) -> bool:
        """Whether it has the columns that a file of this kind must have."""
        return any(all(name in self.columns for name in group) for group in self.layout.required)

    @property
    def lacking(self) -> str:
        """Say which columns it lacks of those that a file of this kind must have."""
        missing = min(([name for name in group if name not in self.columns] for group in self.layout.required), key=len)
        whole = self.layout.describe_required()
        named = " and ".join(missing)
        return whole if tuple(missing) in self.layout.required else f"{named} (of {whole})"

    @property
    def recognised(self) -> dict[str, str]:
        """The field of each heading that is recognised."""
        by_position = {place: name for name, places in self.columns.items() for place in places}
        return {self.headings[place]: by_position[place] for place in sorted(by_position)}

    @property
    def ignored(self) -> list[str]:
        """The headings that mean nothing here; their cells are kept with the row all the same."""
        return [heading for heading in self.headings if heading and heading not in self.recognised]

    @property
    def misspelt(self) -> dict[str, str]:
        """The field that a heading may be meant as: one that the file lacks, and that is written much like it.

        A row of data that is taken for a header has no heading that is recognised, and shows none.
        """
        lacking = [form for form, (name, _) in self.layout.fields.items() if name not in self.columns]
        close = {
            heading: matches[0]
            for heading in (self.ignored if self.columns else ())
            if len(form := plain(heading)) >= SHORTEST and (matches := get_close_matches(form, lacking, 1, CLOSE))
        }
        return {heading: self.layout.fields[form][0] for heading, form in close.items()}

    def values(self, cells: Sequence[str]) -> dict[str, str | None]:
        """Return the fields of a row: of several columns of one field the first that is filled in."""
        return {name: _first_filled(cells, places) for name, places in self.columns.items()}


def plain(heading: str) -> str:
    """Return a heading without what does not matter: case, spaces, hyphens, underscores."""
    return IGNORED.sub("", heading.strip("\ufeff\"' \t")).casefold()


def _first_filled(cells: Sequence[str], places: Sequence[int]) -> str | None:
    for place in places:
        if place < len(cells) and (value := cells[place].strip()):
            return value
    return None


def _distinct(cells: Sequence[str]) -> tuple[str, ...]:
    headings: list[str] = []
    for cell in cells:
        heading = numbered = cell.strip("\ufeff ").strip()
        count = 1
        while heading and numbered in headings:
            count += 1
            numbered = f"{heading} ({count})"
        headings.append(numbered)
    return tuple(headings)
