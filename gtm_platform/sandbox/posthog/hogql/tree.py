"""A query as a tree: what it selects from where, and the expressions in it."""

from dataclasses import dataclass, field
from typing import Any


class SyntaxProblem(ValueError):
    """A query that cannot be read; the message says where it breaks off."""


@dataclass(frozen=True)
class Literal:
    """A value written in the query."""

    value: Any


@dataclass(frozen=True)
class Name:
    """A column, a property or an alias, by its steps."""

    path: tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """A function, an operator or an aggregate, with its arguments."""

    function: str
    arguments: tuple["Expression", ...]
    distinct: bool = False


@dataclass(frozen=True)
class Tuple:
    """Several values that are compared one after the other."""

    items: tuple["Expression", ...]


Expression = Literal | Name | Call | Tuple


@dataclass(frozen=True)
class Selected:
    """An output column."""

    expression: Expression
    name: str


@dataclass(frozen=True)
class Ordering:
    """A step of the order."""

    expression: Expression
    descending: bool


@dataclass
class Select:
    """A whole query; `source` is a table's name or a query in parentheses."""

    columns: list[Selected]
    source: "str | Select"
    where: Expression | None = None
    groups: list[Expression] = field(default_factory=list)
    having: Expression | None = None
    order: list[Ordering] = field(default_factory=list)
    limit: int | None = None
    distinct: bool = False
    offset: bool = False  # wherever it stands
