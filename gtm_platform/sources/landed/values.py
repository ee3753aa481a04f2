"""Where the members of a record lie in landed tables: small values, which are put together as SQL for DuckDB.

The engine builds the JSON that the API would have sent, so that a record is read and checked the same way wherever it
came from. A column that was not landed is null: which columns there are differs from account to account.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from gtm_platform.lake.file_query import text
from gtm_platform.sources.landed.scope import NULL, Scope, Shape, Value, expression

ISO = "%Y-%m-%dT%H:%M:%S.%fZ"
LISTED = "to_json(list"  # of what is a list of rows of another table
Kind = Literal["plain", "seconds", "document", "instant"]


@dataclass(frozen=True)
class Column:
    """The first of some columns that holds anything."""

    names: tuple[str, ...]
    kind: Kind = "plain"

    def sql(self, scope: Scope) -> str:
        """Return the expression."""
        landed = [column for name in self.names if (column := scope.column(name))]
        if not landed:
            scope.missing.add(f"{scope.table}.{self.names[0]}")
        read = [READ_AS[self.kind](column, kind) for column, kind in landed]
        if self.kind == "plain" and len({kind for _, kind in landed}) > 1:
            read = [f"{each}::varchar" for each in read]
        return NULLS[self.kind] if not read else read[0] if len(read) == 1 else f"coalesce({', '.join(read)})"


def _plain(column: str, kind: str) -> str:
    if kind.startswith(("TIMESTAMP", "DATE")):
        return f"strftime({column}::timestamp, {text(ISO)})"
    return f"{column}::varchar" if kind == "UUID" else column


def _seconds(column: str, kind: str) -> str:
    if kind == "VARCHAR":
        return f"coalesce(try_cast({column} as bigint), epoch(try_cast({column} as timestamptz))::bigint)"
    return f"epoch({column}::timestamp)::bigint" if kind.startswith(("TIMESTAMP", "DATE")) else column


def _document(column: str, kind: str) -> str:
    if kind == "JSON":
        return column
    return f"case when json_valid({column}) then {column}::json end" if kind == "VARCHAR" else f"to_json({column})"


def _instant(column: str, kind: str) -> str:
    if kind.startswith(("TIMESTAMP", "DATE")) or kind == "VARCHAR":
        return f"{column}::timestamptz"
    return f"to_timestamp({column})"


READ_AS: dict[Kind, Callable[[str, str], str]] = {
    "plain": _plain,
    "seconds": _seconds,
    "document": _document,
    "instant": _instant,
}
NULLS: dict[Kind, str] = {
    "plain": NULL,
    "seconds": "null::bigint",
    "document": "null::json",
    "instant": "null::timestamptz",
}


@dataclass(frozen=True)
class Changed:
    """When the row last changed, as text."""

    def sql(self, scope: Scope) -> str:
        """Return the expression."""
        return f"strftime(({scope.changed})::timestamp, {text(ISO)})"


@dataclass(frozen=True)
class IsDeleted:
    """Whether the lander marks the row as deleted."""

    def sql(self, scope: Scope) -> str:
        """Return the expression."""
        return scope.is_deleted() or "false"


@dataclass(frozen=True)
class Constant:
    """The same for every row."""

    value: str

    def sql(self, _: Scope) -> str:
        """Return the expression."""
        return text(self.value)


EMPTY_LIST = Constant("[]")


@dataclass(frozen=True)
class Joined:
    """Some texts, one behind the other; null where one of them is null."""

    parts: tuple[Value, ...]

    def sql(self, scope: Scope) -> str:
        """Return the expression."""
        return f"({' || '.join(part.sql(scope) for part in self.parts)})"


@dataclass(frozen=True)
class IsEmpty:
    """Whether a column holds nothing; false where it was not landed."""

    name: str

    def sql(self, scope: Scope) -> str:
        """Return the expression."""
        column = scope.column(self.name)
        return f"({column[0]} is null)" if column else "false"


@dataclass(frozen=True)
class Member:
    """A member of the object that was landed as JSON in a column, as text or as JSON."""

    column: str
    name: str
    is_json: bool = False

    def sql(self, scope: Scope) -> str:
        """Return the expression."""
        extract = "json_extract" if self.is_json else "json_extract_string"
        path = f'$."{self.name}"'
        return f"{extract}({document(self.column).sql(scope)}, {text(path)})"


@dataclass(frozen=True)
class Property:
    """A member that was landed as a column of its own, else within an object that was landed as JSON."""

    column: str
    otherwise: Member

    def sql(self, scope: Scope) -> str:
        """Return the expression."""
        return (value(self.column) if scope.column(self.column) else self.otherwise).sql(scope)


@dataclass(frozen=True)
class Where:
    """A value for rows whose column equals a text, or holds anything; null for others."""

    columns: tuple[str, ...]
    then: Shape
    equals: str | None = None

    def sql(self, scope: Scope) -> str:
        """Return the expression."""
        column = value(*self.columns).sql(scope)
        condition = f"{column} is not null" if self.equals is None else f"{column}::varchar = {text(self.equals)}"
        return f"case when {condition} then {expression(self.then, scope)} end"


@dataclass(frozen=True)
class Either:
    """The first of some values that is not null, as text, or as JSON."""

    values: tuple[Shape, ...]
    kind: Literal["varchar", "json"] = "varchar"

    def sql(self, scope: Scope) -> str:
        """Return the expression."""
        return f"coalesce({', '.join(f'({expression(each, scope)})::{self.kind}' for each in self.values)})"


@dataclass(frozen=True)
class ListOf:
    """A list of a single thing; an empty one where it is null."""

    thing: Value

    def sql(self, scope: Scope) -> str:
        """Return the expression."""
        thing = self.thing.sql(scope)
        return f"case when {thing} is null then '[]'::json else json_array({thing}) end"


@dataclass(frozen=True)
class LinksTo:
    """A list of ids that was landed as JSON, each as an object with the id and constant members."""

    column: str
    id: str
    more: Mapping[str, str]

    def sql(self, scope: Scope) -> str:
        """Return the expression."""
        more = "".join(f", {text(name)}, {text(constant)}" for name, constant in self.more.items())
        ids = f"from_json({document(self.column).sql(scope)}, '[\"VARCHAR\"]')"
        made = f"list_transform({ids}, lambda id: json_object({text(self.id)}, id{more}))"
        return f"coalesce(to_json({made}), '[]'::json)"


@dataclass(frozen=True)
class Rows:
    """Rows of another table that belong to this one, by pairs of a column there and a column here.

    All of them as a JSON list, in the order of a column; or of a `single` one its shape. Null where the table was not
    landed.
    """

    tables: tuple[str, ...]
    by: Mapping[str, str]
    shape: Shape
    order: str | None = None
    single: bool = False

    def sql(self, scope: Scope) -> str:
        """Return the expression."""
        table = scope.schema.first_landed(self.tables)
        if table is None:
            scope.missing.add(self.tables[0])
            return "null" if self.single else "null::json"
        inner = scope.within(table)
        pairs = [(inner.column(theirs), scope.column(ours)) for theirs, ours in self.by.items()]
        # As texts: a lander may know an id as a number in one table and as a text in another.
        joined = [f"{theirs[0]}::varchar = {ours[0]}::varchar" for theirs, ours in pairs if theirs and ours]
        if len(joined) < len(pairs):
            scope.missing.add(f"{table}.{next(iter(self.by))}")
            return "null" if self.single else "null::json"
        deleted = inner.is_deleted()
        conditions = [*joined, *inner.is_present(), *([f"not {deleted}"] if deleted else [])]
        column = inner.column(self.order) if self.order else None
        order = f" order by {column[0]}" if column else ""
        made = expression(self.shape, inner)
        made = f"any_value({made})" if self.single else f"{LISTED}({made}{order}))"
        where = f" where {' and '.join(conditions)}" if conditions else ""
        return f"(select {made} from {scope.schema.address(table)} as {inner.alias}{where})"


# --- how mappings are written ------------------------------------------------------------------------------------


def value(*names: str) -> Column:
    """What the first of some columns holds that holds anything; a time as text."""
    return Column(names)


def seconds(*names: str) -> Column:
    """A time as Unix seconds."""
    return Column(names, "seconds")


def document(*names: str) -> Column:
    """An object or a list, which was landed as JSON."""
    return Column(names, "document")


def instant(*names: str) -> Column:
    """A time, to compare with."""
    return Column(names, "instant")


def same(*names: str, prefix: str = "") -> dict[str, Shape]:
    """Members that lie in columns of their names, behind a prefix."""
    return {name: value(f"{prefix}{name}") for name in names}


def times(*names: str, prefix: str = "") -> dict[str, Shape]:
    """Members that are Unix seconds and lie in columns of their names, behind a prefix."""
    return {name: seconds(f"{prefix}{name}") for name in names}


def rows(*tables: str, by: Mapping[str, str], shape: Shape, order: str | None = None) -> Either:
    """The rows of the first of some tables that belong to this one; an empty list where none does."""
    return Either((Rows(tables, by, shape, order), EMPTY_LIST), "json")


def row(*tables: str, by: Mapping[str, str], shape: Shape) -> Rows:
    """The row of another table that belongs to this one."""
    return Rows(tables, by, shape, single=True)


def first_of(*values: Shape) -> Either:
    """The first of some plain values that is not null."""
    return Either(values)


def present(*names: str, shape: Shape) -> Where:
    """An object that is there where one of some columns holds anything, and null elsewhere."""
    return Where(names, shape)
