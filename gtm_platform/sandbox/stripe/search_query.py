"""Stripe's search query language, as far as customers are searched by it.

Clauses of a field, an operator and a value, joined by AND (or a space) or by OR, never by both. `:` compares without
regard to case, `~` looks for a part of at least three characters, `-` negates, `null` asks whether a field is there.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gtm_platform.sandbox.stripe.errors import StripeError, invalid
from gtm_platform.sandbox.stripe.wire import Shape

Test = Callable[[Shape], bool]

MIN_SUBSTRING = 3
FIELD_TYPES = {"created": "numeric", "email": "string", "metadata": "token", "name": "string", "phone": "string"}
OPERATORS = {"numeric": {":", "=", "<", "<=", ">", ">="}, "string": {":", "~"}, "token": {":"}}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ":": operator.eq,
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_QUOTED = r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
_CLAUSE = re.compile(
    rf"(?P<negated>-)?(?P<field>[a-z_]+)(?:\[(?P<key>{_QUOTED})\])?\s*(?P<operator>:|~|>=|<=|>|<|=)\s*"
    rf"(?P<value>{_QUOTED}|null|-?\d+)",
    re.IGNORECASE,
)
_JOINER = re.compile(r"\s+(?:(?P<word>AND|OR)\s+)?", re.IGNORECASE)
_UNREADABLE = (
    'We were unable to parse your search query. Try using the format `metadata["key"]:"value"` to query for metadata '
    'or key:"value" to query for other fields.'
)


@dataclass(frozen=True)
class Clause:
    """One comparison. `value` is nothing where the clause asks for the presence of a field."""

    field: str
    key: str | None
    operator: str
    value: str | None
    negated: bool = False

    def matches(self, customer: Shape) -> bool:
        """Whether a customer's shape passes."""
        stored = customer.get(self.field)
        if self.key is not None:
            stored = stored.get(self.key) if isinstance(stored, dict) else None
        return self._compare(stored) is not self.negated

    def _compare(self, stored: Any) -> bool:
        if self.value is None or stored is None:
            return stored is None and self.value is None
        if FIELD_TYPES[self.field] == "numeric":
            return _COMPARE[self.operator](stored, int(self.value))
        text, part = str(stored).casefold(), self.value.casefold()
        if self.operator == "~":
            return part in text
        return text == part or (FIELD_TYPES[self.field] == "string" and _has_words(text, part))


def parse_query(query: str) -> Test:
    """The test of a customer's shape that a query stands for."""
    clauses, joiners, position = [], set(), 0
    query = query.strip()
    while True:
        match = _CLAUSE.match(query, position)
        if match is None:
            raise invalid(_UNREADABLE, "query")
        clauses.append(_clause(match))
        if match.end() == len(query):
            break
        joiner = _JOINER.match(query, match.end())
        if joiner is None:
            raise invalid(_UNREADABLE, "query")
        joiners.add((joiner["word"] or "AND").upper())
        position = joiner.end()
    if len(joiners) > 1:
        raise invalid("A search query cannot have both AND and OR.", "query")
    combine = any if joiners == {"OR"} else all
    return lambda customer: combine(clause.matches(customer) for clause in clauses)


def _clause(match: re.Match[str]) -> Clause:
    field, symbol = match["field"].lower(), match["operator"]
    if field not in FIELD_TYPES or (field == "metadata") is not bool(match["key"]):
        raise _unsupported(match["field"])
    if symbol not in OPERATORS[FIELD_TYPES[field]]:
        raise invalid(f"The operator `{symbol}` is not supported on the field `{field}`.", "query")
    is_text = match["value"][0] in "\"'"
    value = None if match["value"].lower() == "null" else _unquoted(match["value"])
    if value is not None and FIELD_TYPES[field] == "numeric" and not re.fullmatch(r"-?\d+", value):
        raise invalid(f"The field `{field}` needs a number, not {match['value']}.", "query")
    if value is not None and FIELD_TYPES[field] != "numeric" and not is_text:
        raise invalid(_UNREADABLE, "query")
    if symbol == "~" and len(value or "") < MIN_SUBSTRING:
        raise invalid(f"A substring has to have at least {MIN_SUBSTRING} characters.", "query")
    return Clause(field, _unquoted(match["key"]) if match["key"] else None, symbol, value, bool(match["negated"]))


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[0] in "\"'" else text


def _has_words(text: str, phrase: str) -> bool:
    """Whether the text has all words of the phrase in their order."""
    words = iter(text.split())
    return bool(phrase.split()) and all(word in words for word in phrase.split())


def _unsupported(field: str) -> StripeError:
    message = (
        f"Field `{field}` is an unsupported search field for resource `customers`. "
        "See http://stripe.com/docs/search#query-fields-for-customers for a list of supported fields."
    )
    return StripeError(400, message)
