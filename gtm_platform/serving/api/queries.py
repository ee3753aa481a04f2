"""What requests may ask: the query models of lists, made from the declared filters and sorts."""

import base64
import binascii
from http import HTTPStatus
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model

from gtm_platform.serving.api.context import Call, require
from gtm_platform.serving.api.problems import Problem
from gtm_platform.serving.snapshot.layout import FILTERS, SHOWN, SORTS, Filter
from gtm_platform.serving.store import BadQuery, CustomerQuery, Page
from gtm_platform.serving.store.documents import array, compound
from gtm_platform.serving.store.snapshot import Snapshot

MOST_ON_A_PAGE = 200
MOST_VALUES = 50
Text = Annotated[str, StringConstraints(max_length=200)]
Finite = Annotated[float, Field(allow_inf_nan=False, ge=-1e12, le=1e12)]
Limit = Annotated[int, Field(ge=1, le=MOST_ON_A_PAGE, description="Rows on a page.")]
Cursor = Annotated[str | None, Field(max_length=400, description="`next_cursor` of the page before.")]
ORDERS = tuple(sign + name for name in SORTS for sign in ("-", ""))


class NoQuery(BaseModel):
    """No parameter at all."""

    model_config = ConfigDict(extra="forbid")


class PageQuery(NoQuery):
    """A page of a list that has no filters."""

    limit: Limit = 50
    cursor: Cursor = None


def _field(filter: Filter) -> Any:
    if filter.is_number:
        return (Finite | None, Field(default=None, description=filter.about))
    return (list[Text], Field(default=[], max_length=MOST_VALUES, description=f"{filter.about} Any of several."))


class ListQuery(PageQuery):
    """What every list of customers takes besides its filters."""

    sort: Literal[ORDERS] = Field(default="-mrr", description="With a minus descending.")  # type: ignore[valid-type]
    customers: Literal["current", "former", "all"] = Field(default="current", description="Which of them.")
    fields: Annotated[str | None, Field(max_length=4_000, description="Names of columns, by commas; all without.")] = (
        None
    )

    def question(self, **preset: Any) -> CustomerQuery:
        """Return the question to the store; presets stand where the request names no value."""
        values = {name: getattr(self, name) for name in FILTERS}
        filters = {
            name: value if isinstance(value, list) else [value]
            for name, value in values.items()
            if value not in (None, [])
        }
        return CustomerQuery({**preset, **filters}, self.sort, self.limit, self.cursor, self.customers)


CustomerListQuery: type[ListQuery] = create_model(
    "CustomerListQuery", __base__=ListQuery, **{name: _field(filter) for name, filter in FILTERS.items()}
)


def columns_of(fields: str | None, call: Call) -> list[str] | None:
    """Return the columns that a request names; None for all that may be seen."""
    if fields is None:
        return None
    names = list(dict.fromkeys(name.strip() for name in fields.split(",")))
    if unknown := [name for name in names if name not in SHOWN]:
        detail = f"{len(unknown)} of the fields are no columns; /openapi.json lists those of a customer."
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    if any(SHOWN[name].personal for name in names):
        require(call.principal, "personal:read")
    return names


def page_answer(snapshot: Snapshot, page: Page, *, personal: bool, columns: list[str] | None) -> bytes:
    """Return a page of customers as it is sent."""
    if columns is None:
        data = array(page.bodies(personal=personal))
    else:
        data = orjson.dumps([{name: row[name] for name in columns} for row in page.rows(personal=personal)])
    head = {"total": page.total, "total_mrr": page.total_mrr, "next_cursor": page.next_cursor}
    return with_day(snapshot, **{name: orjson.dumps(value) for name, value in head.items()}, data=data)


def with_day(snapshot: Snapshot, **fields: bytes) -> bytes:
    """Return an answer of documents, with the day that it is about."""
    return compound({"as_of": orjson.dumps(snapshot.as_of), **fields})


def place_of(cursor: str | None, kinds: tuple[type, ...]) -> tuple[Any, ...] | None:
    """Return the place that a cursor of a plain list names; BadQuery where it is none."""
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        place = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, UnicodeEncodeError):
        place = None
    fits = isinstance(place, list) and len(place) == len(kinds)
    if not fits or not all(type(value) is kind for value, kind in zip(place, kinds, strict=True)):
        raise BadQuery("The cursor is none of this list: take the one that the page before ended with.")
    if any(abs(value) > 2**53 for value in place):
        raise BadQuery("The cursor is none of this list: take the one that the page before ended with.")
    return tuple(place)


def cursor_at(place: tuple[Any, ...]) -> str:
    """Return the cursor of a place in a plain list."""
    return base64.urlsafe_b64encode(orjson.dumps(list(place))).decode().rstrip("=")


def plain_page(snapshot: Snapshot, rows: list[tuple[bytes, Any]], limit: int, **fields: bytes) -> bytes:
    """Return a page of documents, each with its place; with more than `limit` there is a next page."""
    shown = rows[:limit]
    last = shown[-1][1] if len(rows) > limit else None
    cursor = None if last is None else cursor_at(last if isinstance(last, tuple) else (last,))
    data = array(body for body, _ in shown)
    return with_day(snapshot, **fields, next_cursor=orjson.dumps(cursor), data=data)
