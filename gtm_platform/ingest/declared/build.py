"""From a declaration to a Source: its settings, its client, its records and streams, as a package would have them."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any

import httpx
from pydantic import Field, SecretStr, create_model

from gtm_platform.http.client import Answer, Api, BearerAuth
from gtm_platform.http.pages import Page, expect_list
from gtm_platform.http.pagination import LinkPaging
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.redaction import bare_url
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.ingest.declared.paging import paging_of
from gtm_platform.ingest.declared.schema import (
    AuthDeclaration,
    ChangedDeclaration,
    FieldDeclaration,
    SourceDeclaration,
    StreamDeclaration,
    steps,
)
from gtm_platform.ingest.record import (
    Amount,
    Blank,
    Id,
    Instant,
    MaybeAmount,
    MaybeBool,
    MaybeId,
    MaybeInstant,
    MaybeInt,
    MaybeText,
    Record,
    Whole,
    at,
)
from gtm_platform.ingest.source import Schedule, Source, Stream, Window
from gtm_platform.settings import Secret, SystemSettings

Text = Annotated[str, Field(min_length=1)]
# By type: where a value is required, and where it may be missing.
TYPES: Mapping[str, tuple[Any, Any]] = {
    "id": (Id, MaybeId),
    "text": (Text, MaybeText),
    "texts": (list[str], list[str]),
    "integer": (Whole, MaybeInt),
    "number": (float, Annotated[float | None, Blank] | None),
    "amount": (Amount, MaybeAmount),
    "boolean": (bool, MaybeBool),
    "instant": (Instant, MaybeInstant),
    "day": (date, Annotated[date | None, Blank] | None),
}
NO_IDENTITY = "The declaration does not say whose account a key opens."
NO_TOTALS = "The declaration does not say how its records are counted."


class HeaderAuth(httpx.Auth):
    """A key that travels in a header of its own."""

    def __init__(self, name: str, secret: SecretStr, prefix: str = "") -> None:
        self.name, self.secret, self.prefix = name, secret, prefix

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Put the key into the request's header."""
        request.headers[self.name] = f"{self.prefix}{self.secret.get_secret_value().strip()}"
        yield request


class QueryAuth(httpx.Auth):
    """A key that travels as a parameter of the address."""

    def __init__(self, name: str, secret: SecretStr) -> None:
        self.name, self.secret = name, secret

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Put the key among the request's parameters."""
        request.url = request.url.copy_set_param(self.name, self.secret.get_secret_value().strip())
        yield request


def build_source(declared: SourceDeclaration) -> Source:
    """Return the source that is declared; its tables are declared along with it."""
    return Source(
        declared.name,
        Schedule(hours=declared.hours, minute=declared.minute),
        _settings(declared),
        connect=partial(_connect, declared),
        check=_check,
        identity=NO_IDENTITY,
        streams=tuple(map(_stream, declared.streams)),
        about=declared.about,
    )


# --- how it is reached -----------------------------------------------------------------------------------------------


def _settings(declared: SourceDeclaration) -> type[SystemSettings]:
    address: Any = (str, Field(default=declared.base_url, description="Address of the API."))
    fields: dict[str, Any] = {_address_field(declared): address}
    for variable in declared.auth.variables if declared.auth else ():
        fields[variable.lower()] = (Secret, Field(default=None, description="The key."))
    kind = create_model(f"{declared.name.title()}Settings", __base__=SystemSettings, **fields)
    kind.title, kind.where = declared.title, declared.where or f"in {declared.title}"
    kind.required_env = declared.auth.variables if declared.auth else ()
    kind.permissions = "read"
    kind.when_refused = f"See in {declared.title} whether the key is still the present one, and what it may read."
    return kind


def _address_field(declared: SourceDeclaration) -> str:
    return (declared.base_url_env or f"{declared.name}_base_url").lower()


@contextmanager
def _connect(declared: SourceDeclaration, settings: SystemSettings) -> Iterator[Api]:
    auth = declared.auth
    with Api(
        declared.title,
        getattr(settings, _address_field(declared)),
        auth=_auth(auth, settings) if auth else None,
        rate_limiters=RateLimiter.within(declared.limit.calls, declared.limit.seconds),
        retry=RetryPolicy(),
        keys=auth.variables if auth else (),
    ) as api:
        yield api


def _auth(declared: AuthDeclaration, settings: SystemSettings) -> httpx.Auth:
    secret: SecretStr = getattr(settings, declared.env.lower())
    if declared.by == "bearer":
        return BearerAuth(secret)
    if declared.by == "header":
        return HeaderAuth(declared.name, secret, declared.prefix)
    if declared.by == "query":
        return QueryAuth(declared.name, secret)
    key = secret.get_secret_value().strip()
    if declared.user:
        return httpx.BasicAuth(declared.user, key)
    password: Secret = getattr(settings, declared.password_env.lower()) if declared.password_env else None
    return httpx.BasicAuth(key, password.get_secret_value().strip() if password else "")


def _check(api: Api) -> str:
    return f"{api.system} at {bare_url(api.base_url)}"


# --- what it brings --------------------------------------------------------------------------------------------------


def _stream(declared: StreamDeclaration) -> Stream:
    return Stream(
        declared.name,
        _record(declared),
        partial(_pages, declared),
        sync_mode="incremental" if declared.changed else "full_refresh",
        key=tuple(declared.key),
        cursor_field=declared.changed.field if declared.changed else None,
        totals=NO_TOTALS,
    )


def _record(declared: StreamDeclaration) -> type[Record]:
    needed = {*declared.key, *([declared.changed.field] if declared.changed else [])}
    fields: dict[str, Any] = {field.name: _field(field, required=field.name in needed) for field in declared.fields}
    record = create_model(declared.name.title().replace("_", ""), __base__=Record, **fields)
    record.__doc__ = declared.about
    return record


def _field(declared: FieldDeclaration, *, required: bool) -> tuple[Any, Any]:
    must, may = TYPES[declared.type]
    is_required = required or declared.required
    default: Any = ... if is_required else [] if declared.type == "texts" else None
    path = steps(declared.at or declared.name)
    return must if is_required else may, at(*path, personal=declared.personal, about=declared.about, default=default)


def _pages(declared: StreamDeclaration, api: Api, window: Window) -> Iterator[Page]:
    """Read the list page by page: whole, or what changed in the window."""
    params: dict[str, Any] = dict(declared.params)
    if declared.paging.size:
        params[declared.paging.size_as] = declared.paging.size
    if declared.changed and not window.full:
        params |= _changed_within(declared.changed, window)
    check = expect_list(declared.rows)
    if declared.paging.by == "link":
        next_at = tuple(declared.paging.next_at.split(".")) if declared.paging.next_at else ()
        listed = LinkPaging(declared.rows, next_at).walk(partial(_at_address, declared, api, params, check))
    else:
        ask: Callable[[Mapping[str, Any]], bytes] = partial(api.get, declared.path, check=check)
        listed = paging_of(declared.paging, declared.rows).walk(ask, params)
    for page, _ in listed:
        yield page


def _at_address(
    declared: StreamDeclaration,
    api: Api,
    params: Mapping[str, Any],
    check: Callable[[bytes], bytes],
    address: str | None,
) -> Answer:
    """Read the page at an address, which may leave out what it has in common with the list's own."""
    if address is None:
        return api.get_answer(declared.path, params, check=check)
    whole = httpx.URL(f"{api.base_url.rstrip('/')}{declared.path}").join(address)
    return api.get_answer(str(whole), check=check)


def _changed_within(declared: ChangedDeclaration, window: Window) -> dict[str, Any]:
    params = {declared.since_as: _written(window.start, declared.written_as)}
    return params | ({declared.until_as: _written(window.end, declared.written_as)} if declared.until_as else {})


def _written(moment: datetime, form: str) -> str:
    if form == "day":
        return f"{moment:%Y-%m-%d}"
    if form == "iso":
        return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
    return str(int(moment.timestamp() * (1 if form == "unix_seconds" else 1000)))
