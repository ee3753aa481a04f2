"""What the two admin systems of the firm itself have in common: access, refusals, and how a list is read.

Lists are in the order of `updated_at` and key. A cursor holds the place and the filters, and is refused after a day.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request

from gtm_platform.sandbox.kit.api import Api
from gtm_platform.sandbox.kit.authentication import Authentication, bearer_token
from gtm_platform.sandbox.kit.errors import ApiError, BadParameterError, Errors
from gtm_platform.sandbox.kit.filters import parse_instant
from gtm_platform.sandbox.kit.limits import Limit, Rate, RateHeaders, wait_seconds
from gtm_platform.sandbox.kit.paging import Page, PageSize, Placed, decode_cursor, encode_cursor
from gtm_platform.sandbox.kit.walks import Walks

Shape = dict[str, Any]
DOCUMENTED: Mapping[str, Rate] = {"calls": Rate(60, 60)}
SIZE = PageSize(default=100, largest=500)
_HEADERS = RateHeaders("RateLimit-Limit", "RateLimit-Remaining", reset_in="RateLimit-Reset")
_CURSOR_LASTS = timedelta(hours=24)


@dataclass
class Limits:
    """How many calls are left."""

    calls: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["calls"]))


# --- refusals ------------------------------------------------------------------------------------------------------


class AdminError(ApiError):
    """A refusal in the shape of the contract."""

    def body(self, request_number: int) -> Shape:
        """Code, message, parameter, and an id of the request."""
        error = {
            "code": self.code,
            "message": self.message,
            "parameter": self.field,
            "request_id": f"req_{request_number}",
        }
        return {"error": error}


class AdminErrors(Errors):
    """The kit's refusals in the words of the contract."""

    def __init__(self) -> None:
        super().__init__(AdminError)

    def unauthorized(self, key: str) -> ApiError:  # noqa: ARG002
        """A missing token is refused like a wrong one."""
        return self.error(401, "Token missing or unknown", code="unauthorized")

    def too_many_calls(self, name: str, limit: Limit) -> ApiError:  # noqa: ARG002
        """One call too many, and when to come back."""
        message = f"{limit.calls} requests per minute allowed"
        return self.error(429, message, code="rate_limited", headers={"Retry-After": str(wait_seconds(limit))})

    def bad_parameter(self, problem: BadParameterError) -> ApiError:
        """A parameter that cannot be read."""
        return invalid(problem.field, problem.message)

    def unknown_path(self, request: Request) -> ApiError:  # noqa: ARG002
        """An address that is not built."""
        return not_implemented()


def invalid(parameter: str, message: str) -> AdminError:
    """A parameter that cannot be used."""
    code = "invalid_cursor" if parameter == "cursor" else "invalid_parameter"
    return AdminError(400, message, code=code, field=parameter)


def not_found(kind: str) -> AdminError:
    """No such row."""
    return AdminError(404, f"No such {kind}", code="not_found")


def not_implemented() -> AdminError:
    """An address that is not built yet."""
    return AdminError(404, "Not built yet", code="not_implemented")


def api(token: str, limits: Limits) -> Api:
    """The token, the limit and the errors around the handlers."""
    return Api(
        Authentication(token, (bearer_token,)),
        AdminErrors(),
        limits=lambda _: {"calls": limits.calls},
        headers=lambda _request, _status: _HEADERS.of(limits.calls),
    )


def health(service: str, now: datetime) -> Shape:
    """The answer that tells that the token is good, and what time it is there."""
    return {"status": "ok", "service": service, "version": "1.0.0", "time": instant(now)}


def seats(owner: str | None, members: Sequence[str], closed: datetime | None, now: datetime) -> Shape:
    """Who may use an account, and who no longer may: from one instant on nobody may any more."""
    if closed is None or closed > now:
        return {"member_emails": list(members), "deactivated_emails": []}
    return {"member_emails": [], "deactivated_emails": list(dict.fromkeys([*([owner] if owner else []), *members]))}


# --- lists ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a list, rendered only if it is on the page that is asked for."""

    updated: datetime
    key: str
    render: Callable[[], Shape]


@dataclass(frozen=True)
class Query:
    """What a list is asked for: the filters that were sent, or those that the cursor holds."""

    filters: Mapping[str, str]
    after: tuple[str, str] | None

    @property
    def since(self) -> datetime | None:
        """The earliest `updated_at` that is wanted."""
        text = self.filters.get("updated_since")
        if text is None:
            return None
        bound = parse_instant(text.replace(" ", "+"))
        if bound is None:
            raise invalid("updated_since", "updated_since must be an instant")
        return bound

    def day(self, name: str) -> date | None:
        """A day that was sent."""
        if name not in self.filters:
            return None
        try:
            return date.fromisoformat(self.filters[name])
        except ValueError as error:
            raise invalid(name, f"{name} must be a day") from error

    def allows(self, name: str, value: str | None) -> bool:
        """Whether a value is the one that was asked for, if any was."""
        return self.filters.get(name, "").lower() in ("", (value or "").lower())


def query(sent: QueryParams, names: Iterable[str], now: datetime) -> Query:
    """The filters of a list; those that were sent beside a cursor are ignored."""
    if "cursor" not in sent:
        return Query({name: sent[name] for name in ("updated_since", *names) if name in sent}, None)
    state = decode_cursor(sent["cursor"], "cursor")
    if not isinstance(state, dict) or set(state) != {"u", "i", "f", "t"}:
        raise invalid("cursor", "Start again without a cursor")
    if now - datetime.fromisoformat(state["t"]) > _CURSOR_LASTS:
        raise invalid("cursor", "The cursor is too old: start again without one")
    return Query(state["f"], (state["u"], state["i"]))


def page(walks: Walks, request: Request, rows: Iterable[Row], listing: Query, now: datetime) -> Shape:
    """A page of rows in the order of `updated_at` and key, and how many there are of them on all pages.

    The rows are read only where none are kept.
    """
    since = listing.since

    def placed() -> Placed[Row]:
        wanted = (row for row in rows if since is None or row.updated >= since)
        return Placed.of(wanted, lambda row: (exact(row.updated), row.key))

    def turn(placed: Placed[Row]) -> Page[Row]:
        total, size = len(placed.rows), SIZE.read(request.query_params)
        start = 0 if listing.after is None else placed.start(listing.after)
        updated, key = placed.places[start + size - 1] if total > start + size else (None, None)
        state = {"u": updated, "i": key, "f": dict(listing.filters), "t": now.isoformat()}
        return Page(placed.rows[start : start + size], encode_cursor(state) if updated else None, total)

    walk = (request.url.path, *sorted(listing.filters.items()))
    shown = walks.page_of(walk, listing.after is not None, placed, turn)
    data = [row.render() for row in shown.rows]
    return {"data": data, "has_more": shown.next is not None, "next_cursor": shown.next, "total": shown.total}


def days_page(
    walks: Walks,
    request: Request,
    accounts: Iterable[Any],
    rows: Callable[[Any, date | None, date | None, datetime], Iterable[Row]],
    now: datetime,
) -> Shape:
    """A page of what each account did on each day, by the panel's own rows of an account."""
    listing = query(request.query_params, ("account_id", "from", "to"), now)
    first, last = listing.day("from"), listing.day("to")
    if listing.since:  # a day is final soon after it is over
        reopened = listing.since.date() - timedelta(days=1)
        first = max(first or reopened, reopened)
    chosen = (each for each in accounts if listing.allows("account_id", each.account_id))
    return page(walks, request, (row for each in chosen for row in rows(each, first, last, now)), listing, now)


def instant(at: datetime) -> str:
    """An instant in UTC, with as many decimals as it has."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def optional_instant(at: datetime | None) -> str | None:
    """The same, where there may be none."""
    return instant(at) if at else None


def exact(at: datetime) -> str:
    """An instant as it is compared: always with all its decimals."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
