"""What an expression means for a row, or for a group of rows: each is turned into a function once, then used often."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.posthog.hogql.functions import AGGREGATES, FUNCTIONS
from gtm_platform.sandbox.posthog.hogql.tree import Call, Expression, Literal, Name, SyntaxProblem, Tuple

Reader = Callable[[Any], Any]  # a row, or a group of rows -> a value
Column = Callable[[tuple[str, ...]], Reader | None]  # the steps of a name -> how it is read off a row


class Meaning:
    """The names of one query: the columns of its table, and its own aliases, which go before columns."""

    def __init__(self, column: Column, aliases: Mapping[str, Expression], now: datetime) -> None:
        self._column = column
        self._aliases = aliases
        self._now = now
        self._open: list[str] = []  # aliases whose own expression is being read

    def is_aggregate(self, expression: Expression) -> bool:
        """Whether it takes a whole group."""
        if isinstance(expression, Call):
            function, _ = _aggregate(expression.function)
            return function is not None or any(self.is_aggregate(each) for each in expression.arguments)
        if isinstance(expression, Tuple):
            return any(self.is_aggregate(each) for each in expression.items)
        if isinstance(expression, Name) and (meant := self._alias(expression)):
            name = expression.path[0]
            self._open.append(name)
            result = self.is_aggregate(meant)
            self._open.remove(name)
            return result
        return False

    def is_column(self, name: Name) -> bool:
        """Whether a name is that of a column, and of no alias."""
        return self._alias(name) is None

    def _alias(self, name: Name) -> Expression | None:
        first = name.path[0]
        return self._aliases.get(first) if len(name.path) == 1 and first not in self._open else None

    # --- of a row ---

    def of_row(self, expression: Expression) -> Reader:
        """How a value is read off a row."""
        return self._read(expression, self._row_name)

    def _row_name(self, name: Name) -> Reader:
        if meant := self._alias(name):
            return self._inside(name, lambda: self.of_row(meant))
        result = self._column(name.path)
        if result is None:
            raise SyntaxProblem(f"Unable to resolve field: {'.'.join(name.path)}.")
        return result

    def _inside(self, name: Name, read: Callable[[], Reader]) -> Reader:
        self._open.append(name.path[0])
        try:
            return read()
        finally:
            self._open.pop()

    def _read(self, expression: Expression, name: Callable[[Name], Reader]) -> Reader:
        if isinstance(expression, Literal):
            value = expression.value
            return lambda _: value
        if isinstance(expression, Name):
            return name(expression)
        if isinstance(expression, Tuple):
            readers = [self._read(each, name) for each in expression.items]
            return lambda row: tuple([read(row) for read in readers])
        result = self._function(expression, [self._read(each, name) for each in expression.arguments])
        if _is_constant(expression):
            constant = result(None)
            return lambda _: constant
        return result

    def _function(self, call: Call, readers: Sequence[Reader]) -> Reader:
        name = call.function.lower()
        if name == "now":
            return lambda _: self._now
        if name == "today":
            return lambda _: self._now.date()
        if name in ("and", "or"):
            return _logic(name, readers)
        function = FUNCTIONS.get(name)
        if function is None:
            raise SyntaxProblem(f"Unsupported function call '{call.function}(...)'.")
        if len(readers) == 2:
            left, right = readers
            return lambda row: function(left(row), right(row))
        return lambda row: function(*[read(row) for read in readers])

    # --- of a group ---

    def of_group(self, expression: Expression) -> Reader:
        """How a value is read off a group of rows: what is no aggregate is the same for all of them."""
        if not self.is_aggregate(expression):
            read = self.of_row(expression)
            return lambda rows: read(rows[0]) if rows else None
        if isinstance(expression, Call):
            function, conditional = _aggregate(expression.function)
            if function:
                return self._aggregated(expression, function, conditional)
            return self._function(expression, [self.of_group(each) for each in expression.arguments])
        if isinstance(expression, Name) and (meant := self._alias(expression)):
            return self._inside(expression, lambda: self.of_group(meant))
        assert isinstance(expression, Tuple)
        readers = [self.of_group(each) for each in expression.items]
        return lambda rows: tuple([read(rows) for read in readers])

    def _aggregated(self, call: Call, function: Callable[..., Any], conditional: bool) -> Reader:
        readers = [self.of_row(each) for each in call.arguments]
        test = readers.pop() if conditional else None
        if not readers:
            return lambda rows: sum(1 for row in rows if test is None or test(row))
        if call.distinct:
            only = readers[0]
            return lambda rows: len({only(row) for row in rows} - {None})

        def aggregated(rows: Sequence[Any]) -> Any:
            chosen = [row for row in rows if test(row)] if test else rows
            return function(*[[read(row) for row in chosen] for read in readers])

        return aggregated


def _is_constant(expression: Expression) -> bool:
    if isinstance(expression, Call):
        return all(_is_constant(each) for each in expression.arguments)
    return isinstance(expression, Literal)


def _aggregate(name: str) -> tuple[Callable[..., Any] | None, bool]:
    """An aggregate by its name, and whether it takes a condition last."""
    lower = name.lower()
    if lower in AGGREGATES:
        return AGGREGATES[lower], False
    if lower.endswith("if") and lower[:-2] in AGGREGATES:
        return AGGREGATES[lower[:-2]], True
    return None, False


def _logic(name: str, readers: Sequence[Reader]) -> Reader:
    if name == "and":
        return lambda row: all(read(row) for read in readers)
    return lambda row: any(read(row) for read in readers)
