"""Reading a query: from its words to a tree of what they say. What a name or a function means belongs to `meaning`."""

import re
from collections.abc import Mapping
from typing import Any

from gtm_platform.sandbox.posthog.hogql.tree import (
    Call,
    Expression,
    Literal,
    Name,
    Ordering,
    Select,
    Selected,
    SyntaxProblem,
    Tuple,
)
from gtm_platform.sandbox.posthog.hogql.words import Token, tokens

_CLAUSES = {"FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "UNION", "SETTINGS", "AND", "OR", "ASC",
            "DESC", "AS", "THEN", "ELSE", "END", "WHEN", "IN", "NOT", "IS", "LIKE", "ILIKE", "BETWEEN", "JOIN", "LEFT",
            "SAMPLE", "BY", "ON"}  # fmt: skip


def parse(text: str, values: Mapping[str, Any]) -> Select:
    """A query as a tree; `values` are put where it says `{name}`."""
    parser = _Parser(text, values)
    query = parser.select()
    if parser.token is not None:
        raise parser.problem()
    return query


class _Parser:
    def __init__(self, text: str, values: Mapping[str, Any]) -> None:
        self._text = text
        self._values = values
        self._tokens = tokens(text)
        self._place = 0
        self._has_offset = False

    # --- words ---

    @property
    def token(self) -> Token | None:
        """The next word."""
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def problem(self) -> SyntaxProblem:
        """What is wrong with the next word."""
        if self.token is None:
            return SyntaxProblem("Syntax error: the query ends too early.")
        return SyntaxProblem(f"Syntax error at position {self.token.start}: {self.token.text!r} is not expected here.")

    def _is_word(self, *words: str) -> bool:
        token = self.token
        return token is not None and token.kind == "name" and token.text.upper() in words

    def _skip_word(self, *words: str) -> bool:
        if self._is_word(*words):
            self._place += 1
            return True
        return False

    def _is_sign(self, *signs: str) -> bool:
        return self.token is not None and self.token.kind == "sign" and self.token.text in signs

    def _skip_sign(self, sign: str) -> bool:
        if self._is_sign(sign):
            self._place += 1
            return True
        return False

    def _need(self, done: bool) -> None:
        if not done:
            raise self.problem()

    def _next(self) -> Token:
        token = self.token
        if token is None:
            raise self.problem()
        self._place += 1
        return token

    # --- clauses ---

    def select(self) -> Select:
        """A query."""
        self._need(self._skip_word("SELECT"))
        distinct = self._skip_word("DISTINCT")
        columns = [self._selected()]
        while self._skip_sign(","):
            columns.append(self._selected())
        self._need(self._skip_word("FROM"))
        query = Select(columns, self._source(), distinct=distinct)
        if self._skip_word("WHERE", "PREWHERE"):
            query.where = self._either()
        if self._skip_word("GROUP"):
            self._need(self._skip_word("BY"))
            query.groups = self._expressions()
        if self._skip_word("HAVING"):
            query.having = self._either()
        if self._skip_word("ORDER"):
            self._need(self._skip_word("BY"))
            query.order = [self._ordering()]
            while self._skip_sign(","):
                query.order.append(self._ordering())
        self._limit(query)
        query.offset = self._has_offset
        return query

    def _source(self) -> "str | Select":
        if self._skip_sign("("):
            inner = self.select()
            self._need(self._skip_sign(")"))
            source: str | Select = inner
        else:
            source = self._next().text.strip('`"')
        if self._skip_word("AS") or (self.token and self.token.kind == "name" and not self._is_word(*_CLAUSES)):
            self._next()
        return source

    def _limit(self, query: Select) -> None:
        if self._skip_word("LIMIT"):
            query.limit = self._whole()
            if self._skip_sign(","):
                self._has_offset, query.limit = True, self._whole()
        if self._skip_word("OFFSET"):
            self._has_offset = True
            self._whole()

    def _whole(self) -> int:
        token = self._next()
        if token.kind != "number" or "." in token.text:
            raise SyntaxProblem(f"Syntax error at position {token.start}: a whole number is expected.")
        return int(token.text)

    def _selected(self) -> Selected:
        if self._skip_sign("*"):
            return Selected(Name(("*",)), "*")
        first = self.token
        expression = self._either()
        text = self._text[first.start if first else 0 : self._tokens[self._place - 1].end]
        if self._skip_word("AS"):
            return Selected(expression, self._next().text.strip('`"'))
        if isinstance(expression, Name):
            return Selected(expression, expression.path[-1])
        return Selected(expression, text)

    def _ordering(self) -> Ordering:
        expression = self._either()
        descending = self._skip_word("DESC")
        self._skip_word("ASC")
        return Ordering(expression, descending)

    def _expressions(self) -> list[Expression]:
        result = [self._either()]
        while self._skip_sign(","):
            result.append(self._either())
        return result

    # --- expressions, from the loosest to the tightest ---

    def _either(self) -> Expression:
        left = self._both()
        while self._skip_word("OR"):
            left = Call("or", (left, self._both()))
        return left

    def _both(self) -> Expression:
        left = self._negated()
        while self._skip_word("AND"):
            left = Call("and", (left, self._negated()))
        return left

    def _negated(self) -> Expression:
        return Call("not", (self._negated(),)) if self._skip_word("NOT") else self._compared()

    def _compared(self) -> Expression:
        left = self._sum()
        while True:
            if self._is_sign("=", "==", "!=", "<>", "<", "<=", ">", ">="):
                sign = self._next().text
                left = Call({"==": "=", "<>": "!="}.get(sign, sign), (left, self._sum()))
            elif self._skip_word("IS"):
                negated = self._skip_word("NOT")
                self._need(self._skip_word("NULL"))
                left = Call("isNotNull" if negated else "isNull", (left,))
            elif self._skip_word("BETWEEN"):
                low = self._sum()
                self._need(self._skip_word("AND"))
                left = Call("and", (Call(">=", (left, low)), Call("<=", (left, self._sum()))))
            elif self._is_word("IN", "LIKE", "ILIKE", "NOT"):
                left = self._membership(left)
            else:
                return left

    def _membership(self, left: Expression) -> Expression:
        negated = self._skip_word("NOT")
        word = self._next().text.lower()
        if word not in ("in", "like", "ilike"):
            raise self.problem()
        result = Call(word, (left, self._sum()))
        return Call("not", (result,)) if negated else result

    def _sum(self) -> Expression:
        left = self._product()
        while self._is_sign("+", "-"):
            left = Call(self._next().text, (left, self._product()))
        return left

    def _product(self) -> Expression:
        left = self._atom()
        while self._is_sign("*", "/", "%"):
            left = Call(self._next().text, (left, self._atom()))
        return left

    def _atom(self) -> Expression:
        token = self._next()
        if token.kind == "string":
            return Literal(re.sub(r"\\(.)", r"\1", token.text[1:-1].replace("''", "'")))
        if token.kind == "number":
            return Literal(float(token.text) if "." in token.text else int(token.text))
        if token.text == "-":
            return Call("negate", (self._atom(),))
        if token.text == "(":
            return self._parenthesis()
        if token.text == "{":
            return self._placeholder()
        if token.kind in ("name", "quoted"):
            return self._word(token)
        self._place -= 1
        raise self.problem()

    def _parenthesis(self) -> Expression:
        items = self._expressions()
        self._need(self._skip_sign(")"))
        return items[0] if len(items) == 1 else Tuple(tuple(items))

    def _placeholder(self) -> Expression:
        name = self._next().text
        self._need(self._skip_sign("}"))
        if name not in self._values:
            raise SyntaxProblem(f"Placeholder {{{name}}} has no value.")
        value = self._values[name]
        return Tuple(tuple(Literal(each) for each in value)) if isinstance(value, list) else Literal(value)

    def _word(self, token: Token) -> Expression:
        word = token.text.upper() if token.kind == "name" else ""
        if word in ("NULL", "TRUE", "FALSE"):
            return Literal({"NULL": None, "TRUE": True, "FALSE": False}[word])
        if word == "INTERVAL":
            amount = self._atom()
            return Call("interval", (amount, Literal(self._next().text.lower().rstrip("s"))))
        if word == "CASE":
            return self._case()
        if token.kind == "name" and self._skip_sign("("):
            return self._call(token.text)
        path = [token.text.strip('`"')]
        while self._is_sign(".", "["):
            if self._next().text == ".":
                path.append(self._next().text.strip('`"'))
            else:
                path.append(self._next().text.strip("'"))
                self._need(self._skip_sign("]"))
        return Name(tuple(path))

    def _call(self, function: str) -> Expression:
        if self._skip_sign(")"):
            return Call(function, ())
        if self._skip_sign("*"):
            self._need(self._skip_sign(")"))
            return Call(function, ())
        distinct = self._skip_word("DISTINCT")
        arguments = self._expressions()
        self._need(self._skip_sign(")"))
        return Call(function, tuple(arguments), distinct)

    def _case(self) -> Expression:
        """CASE WHEN ... THEN ... ELSE ... END, as the function that it is short for."""
        arguments: list[Expression] = []
        while self._skip_word("WHEN"):
            arguments.append(self._either())
            self._need(self._skip_word("THEN"))
            arguments.append(self._either())
        arguments.append(self._either() if self._skip_word("ELSE") else Literal(None))
        self._need(self._skip_word("END"))
        return Call("multiIf", tuple(arguments))
