"""What a report consists of, before it is drawn: cards, charts, tables; the layout draws them all alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import altair as alt

Tone = Literal["good", "bad", ""]
Align = Literal["left", "right"]


@dataclass(frozen=True)
class Card:
    """A figure at the top: `value` is the number itself, `shown` how it is written."""

    name: str
    title: str
    value: float | None
    shown: str
    change: str = ""
    tone: Tone = ""


@dataclass(frozen=True)
class Chart:
    """A drawing, with a sentence that says the same; `wide` takes the whole width."""

    title: str
    drawing: "alt.TopLevelMixin"
    text: str
    wide: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text, a second line, a status that colours it."""

    text: str
    below: str = ""
    status: str = ""


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, and where its cells stand."""

    title: str
    align: Align = "left"
    width: str = ""


@dataclass(frozen=True)
class Table:
    """A table; `note` stands below it, `empty` in its place where there is no row."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell | str]]
    note: str = ""
    empty: str = "None."


@dataclass(frozen=True)
class Content:
    """A report. `lead` says in a sentence or two what matters; the CSV has `data` with these `columns`."""

    lead: str
    cards: Sequence[Card]
    blocks: Sequence[Chart | Table]
    columns: Sequence[str]
    data: Sequence[Mapping[str, Any]]
    picture: Chart
    notes: Sequence[str] = field(default=())
