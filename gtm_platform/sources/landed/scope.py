"""The row that the members of a record are read from: its table, its columns, and what the lander marked it with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from gtm_platform.lake.file_query import text

NULL = "null::varchar"
Columns = Mapping[str, str]  # the type of each column of a table, by its name in lower case


@dataclass(frozen=True)
class Conventions:
    """What a lander adds to every table: when a row was written, and whether it still counts."""

    synced: str
    deleted: tuple[str, ...] = ()
    active: str | None = None  # of history tables: whether the row is the present version


class Schema(Protocol):
    """The tables that were landed."""

    def first_landed(self, names: Sequence[str]) -> str | None:
        """Return the first of the tables that was landed."""

    def columns(self, table: str) -> Columns:
        """Return the columns of a table."""

    def address(self, table: str) -> str:
        """Return a table as a query names it."""


@dataclass(frozen=True)
class Scope:
    """The row of a table that values are read from; `missing` collects the columns that were not landed."""

    schema: Schema
    conventions: Conventions
    table: str
    depth: int = 0
    changed: str = NULL  # when the row last changed
    missing: set[str] = field(default_factory=set)

    @property
    def alias(self) -> str:
        """The row's name in the query."""
        return f"t{self.depth}"

    def column(self, name: str) -> tuple[str, str] | None:
        """Return a column as a query names it, and its type; None where it was not landed."""
        kind = self.schema.columns(self.table).get(name.lower())
        return None if kind is None else (f'{self.alias}."{name}"', kind)

    def within(self, table: str) -> "Scope":
        """Return the scope of a row that belongs to this one."""
        return Scope(self.schema, self.conventions, table, self.depth + 1, missing=self.missing)

    def is_deleted(self) -> str | None:
        """Return the condition that the row was deleted; None where the table does not say."""
        flags = [column for name in self.conventions.deleted if (column := self.column(name))]
        conditions = [
            f"coalesce({name}, false)" if kind == "BOOLEAN" else f"{name} is not null" for name, kind in flags
        ]
        return f"({' or '.join(conditions)})" if conditions else None

    def is_present(self) -> list[str]:
        """Return the conditions that the row is the present version of what it is about."""
        column = self.column(self.conventions.active) if self.conventions.active else None
        return [f"coalesce({column[0]}, true)"] if column else []


class Value(Protocol):
    """Something that can be read from a row."""

    def sql(self, scope: Scope) -> str:
        """Return the expression."""


Shape: TypeAlias = "Value | Mapping[str, Shape]"


def expression(shape: Shape, scope: Scope) -> str:
    """Return what a shape is in SQL; a mapping is a JSON object."""
    if not isinstance(shape, Mapping):
        return shape.sql(scope)
    members = [f"{text(name)}, {expression(member, scope)}" for name, member in shape.items()]
    return f"json_object({', '.join(members)})"
