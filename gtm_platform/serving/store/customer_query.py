"""A list of customers as a question: filters, sort, page; and the SQL that answers it.

A page ends with the value and the number of its last row, so the next one begins there, in whichever snapshot.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import orjson

from gtm_platform.serving.snapshot.layout import (
    CURRENT,
    FILTERS,
    NARROW,
    NO_NUMBER,
    NO_TEXT,
    SEPARATOR,
    SORTS,
    Filter,
    kind_of,
)
from gtm_platform.serving.store.documents import customer_id_of, joined
from gtm_platform.serving.store.sight import HIDDEN, hand_out

Value = str | float
Population = Literal["current", "former", "all"]
Select = Callable[[str, Sequence[Any]], list[Any]]
LARGEST_PAGE = 1_000
CURSOR_CHARACTERS = 400


class BadQuery(ValueError):
    """A question that cannot be answered; the message says why, and repeats nothing of it."""


@dataclass(frozen=True)
class CustomerQuery:
    """Which customers, in which order, how many.

    `filters` are by the names of `layout.FILTERS`. `sort` is one of `layout.SORTS`, descending with a minus. Without
    `customers` only current ones are listed; "former" are those who were and are none any more.
    """

    filters: Mapping[str, Sequence[Value]] = field(default_factory=dict)
    sort: str = "-mrr"
    limit: int = 50
    cursor: str | None = None
    customers: Population = "current"

    def __post_init__(self) -> None:
        if unknown := set(self.filters) - set(FILTERS):
            raise BadQuery(f"{len(unknown)} filters do not exist; there are {', '.join(FILTERS)}.")
        if self.sort.removeprefix("-") not in SORTS:
            raise BadQuery(f"Customers are sorted by {', '.join(SORTS)}, each with a minus before it for descending.")
        if not 1 <= self.limit <= LARGEST_PAGE:
            raise BadQuery(f"A page has 1 to {LARGEST_PAGE} customers.")

    @cached_property
    def key(self) -> str:
        """Identify the question but for its page, whichever order the filters came in."""
        filters = sorted((name, sorted(map(str, values))) for name, values in self.filters.items() if values)
        return hashlib.sha256(repr((filters, self.sort, self.customers)).encode()).hexdigest()[:16]

    @property
    def descending(self) -> bool:
        """Whether the largest come first."""
        return self.sort.startswith("-")

    @property
    def column(self) -> str:
        """The column that is sorted by."""
        return SORTS[self.sort.removeprefix("-")]

    @cached_property
    def last(self) -> tuple[Value, int] | None:
        """The value and number of the row after which the page begins."""
        return None if self.cursor is None else _decoded(self.cursor, self.key, kind_of(self.column) == "real")

    def cursor_after(self, value: Value, id: int) -> str:
        """Return the cursor of the page after a row."""
        return base64.urlsafe_b64encode(orjson.dumps([self.key, value, id])).decode().rstrip("=")


@dataclass(frozen=True)
class Page:
    """Some customers as JSON, the total on all pages with its MRR, and the cursor of the next page."""

    documents: Sequence[tuple[bytes, bytes]]  # for everybody, and personal; empty where that may not be seen
    total: int
    total_mrr: float
    next_cursor: str | None

    def bodies(self, *, personal: bool) -> list[bytes]:
        """Return the customers as JSON."""
        if personal:
            hand_out(customer_id_of(body) for body, own in self.documents if own != HIDDEN)
        return [joined(body, own if personal else b"") for body, own in self.documents]

    def rows(self, *, personal: bool) -> list[dict[str, Any]]:
        """Return the customers as rows."""
        return [orjson.loads(body) for body in self.bodies(personal=personal)]


def page_of(query: CustomerQuery, select: Select, total: Callable[[CustomerQuery], tuple[int, float]]) -> Page:
    """Answer a question with a page; whom nobody fits is not looked for twice, as totals are kept."""
    if query.last is None and total(query)[0] == 0:
        return Page((), 0, 0.0, None)
    conditions, values = _conditions(query)
    sign, order = ("<", "desc") if query.descending else (">", "asc")
    if query.last:
        conditions.append(f"({query.column}, id) {sign} (?, ?)")
        values.extend(query.last)
    rows = select(
        f"""select id, {query.column}, body, personal from (
                select id, {query.column} from customers {_index(query)} where {" and ".join(conditions)}
                order by {query.column} {order}, id {order} limit ?
            ) join documents using (id) order by {query.column} {order}, id {order}""",
        (*values, query.limit + 1),
    )
    shown = rows[: query.limit]
    more = query.cursor_after(shown[-1][1], shown[-1][0]) if len(rows) > query.limit else None
    count, mrr = total(query)
    return Page([(body.encode(), personal.encode()) for _, _, body, personal in shown], count, mrr, more)


def counted(query: CustomerQuery, select: Select) -> tuple[int, float]:
    """Return how many customers a question is about, on all pages, and what they pay."""
    conditions, values = _conditions(query)
    index = "" if _is_narrow(query) else "indexed by by_mrr"
    where = " and ".join(conditions)
    [(count, mrr)] = select(f"select count(*), sum(max(mrr_reporting, 0)) from customers {index} where {where}", values)
    return count, round(mrr or 0, 2)


def _index(query: CustomerQuery) -> str:
    return "" if _is_narrow(query) else f"indexed by by_{query.sort.removeprefix('-')}"


def _is_narrow(query: CustomerQuery) -> bool:
    return any(values and FILTERS[name].column in NARROW for name, values in query.filters.items())


def _conditions(query: CustomerQuery) -> tuple[list[str], list[Any]]:
    conditions, values = ["1"], []
    if query.customers != "all":
        conditions.append(f"{CURRENT} = ?")
        values.append(int(query.customers == "current"))
    if query.customers == "former":
        conditions.append("customer_status = 'churned'")
    for name, wanted in query.filters.items():
        if wanted:
            condition, bound = _condition(FILTERS[name], wanted)
            conditions.append(condition)
            values.extend(bound)
    return conditions, values


def _condition(filter: Filter, wanted: Sequence[Value]) -> tuple[str, list[Any]]:
    column = filter.column
    if filter.test == "is" and len(wanted) == 1:  # an equality lets an index give the order, too
        return f"{column} = ?", [NO_TEXT if wanted[0] is None else wanted[0]]
    if filter.test == "is":
        return f"{column} in ({', '.join('?' * len(wanted))})", [NO_TEXT if each is None else each for each in wanted]
    if filter.test == "has":
        marked = [f"{SEPARATOR}{each}{SEPARATOR}" for each in wanted]
        return "(" + " or ".join([f"instr({column}, ?)"] * len(wanted)) + ")", list(marked)
    if filter.test == "at_least":
        return f"{column} >= ?", [max(wanted)]
    return f"{column} <= ? and {column} > {NO_NUMBER}", [min(wanted)]


def _decoded(cursor: str, key: str, is_number: bool) -> tuple[Value, int]:
    """Read a cursor; BadQuery where it is none, or that of another question."""
    wrong = BadQuery("The cursor is none of this list: take the one that the page before ended with.")
    if len(cursor) > CURSOR_CHARACTERS:
        raise wrong
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        of, value, id = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError, UnicodeEncodeError):
        raise wrong from None
    if isinstance(value, bool) or not isinstance(value, int | float if is_number else str):
        raise wrong
    if of != key or isinstance(id, bool) or not isinstance(id, int) or not 0 <= id < 2**53:
        raise wrong
    return value, id
