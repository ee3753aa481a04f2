"""The emulator's addresses, and what each of them answers."""

from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gtm_platform.sandbox.calendly import render
from gtm_platform.sandbox.calendly.access import CalendlyError, Limits, api, forbidden, invalid, not_found
from gtm_platform.sandbox.calendly.lists import EVENT_FILTERS, INVITEE_FILTERS, collection
from gtm_platform.sandbox.calendly.store import (
    CalendlyEvent,
    CalendlyInvitee,
    CalendlyStore,
    CalendlyUser,
    NoShow,
)
from gtm_platform.sandbox.kit.api import json_object
from gtm_platform.sandbox.kit.filters import matching
from gtm_platform.sandbox.kit.walks import Walks
from gtm_platform.sandbox.kit.write_log import Actions, Persist, Write, WriteLog, discard


def _mark(store: CalendlyStore, write: Write, at: datetime) -> CalendlyInvitee:
    invitee = store.invitees[write["invitee"]]
    invitee.no_show, invitee.updated = NoShow(f"NSAPI{invitee.uuid[3:]}", at), at
    store.no_shows[invitee.no_show.uuid] = invitee.uuid
    return invitee


def _unmark(store: CalendlyStore, write: Write, at: datetime) -> CalendlyInvitee:
    invitee = store.invitees[store.no_shows.pop(write["no_show"])]
    invitee.no_show, invitee.updated = None, at
    return invitee


ACTIONS: Actions[CalendlyStore, CalendlyInvitee] = {"mark": _mark, "unmark": _unmark}


_start, _created, _uuid = attrgetter("start"), attrgetter("created"), attrgetter("uuid")


class Calendly:
    """The handlers. The token is the owner's, who may see the whole organisation."""

    def __init__(self, store: CalendlyStore, clock: Callable[[], datetime], persist: Persist) -> None:
        self._store = store
        self._walks = Walks(clock)
        self._writes = WriteLog(store, clock, self._walks.forgetting(persist), ACTIONS)

    # --- people ---

    async def me(self, _: Request) -> Any:
        """The token's owner."""
        return {"resource": render.user(self._owner, self._store, alone=True)}

    @property
    def _owner(self) -> CalendlyUser:
        return next(user for user in self._store.users.values() if user.role == "owner")

    async def user(self, request: Request) -> Any:
        """A colleague."""
        return {"resource": render.user(_of(self._store.users, request), self._store, alone=True)}

    async def memberships(self, request: Request) -> Any:
        """All hosts, or the one of a user or an address."""
        sent = request.query_params
        self._check_scope(request, needs_one=not sent.get("email"))
        rows = [
            user
            for user in self._store.users.values()
            if sent.get("user") in (None, render.address("users", user.uuid))
            and sent.get("email") in (None, user.email)
        ]
        return collection(request, self._walks, rows, self._membership, "created_at", _created, _uuid)

    def _membership(self, user: CalendlyUser) -> dict[str, Any]:
        return render.membership(user, self._store)

    async def membership(self, request: Request) -> Any:
        """A host's place in the organisation."""
        user = self._store.users.get(f"USR{request.path_params['uuid'].removeprefix('MEM')}")
        if user is None:
            raise not_found()
        return {"resource": render.membership(user, self._store)}

    # --- events ---

    async def events(self, request: Request) -> Any:
        """Booked slots by start time; nothing tells which were changed."""
        self._check_scope(request, needs_one=True)
        status = request.query_params.get("status")
        if status not in (None, "active", "canceled"):
            raise invalid("status")
        user = request.query_params.get("user")
        rows = (
            event
            for event in matching(self._store.events.values(), request.query_params, EVENT_FILTERS)
            if user is None or user in (render.address("users", host) for host in event.hosts)
        )
        return collection(request, self._walks, rows, self._event, "start_time", _start, _uuid)

    def _event(self, event: CalendlyEvent) -> dict[str, Any]:
        return render.event(event, self._store)

    async def event(self, request: Request) -> Any:
        """One slot."""
        return {"resource": self._event(_of(self._store.events, request))}

    async def invitees(self, request: Request) -> Any:
        """Who booked a slot."""
        event = _of(self._store.events, request)
        rows = matching(event.invitees, request.query_params, INVITEE_FILTERS)
        return collection(request, self._walks, rows, render.invitee, "created_at", _created, _uuid)

    async def invitee(self, request: Request) -> Any:
        """One invitee of a slot."""
        record = self._store.invitees.get(request.path_params["invitee"])
        if record is None or record.event != request.path_params["uuid"]:
            raise not_found()
        return {"resource": render.invitee(record)}

    def _check_scope(self, request: Request, needs_one: bool) -> None:
        """An organisation or a user has to be named, the user of a colleague only beside the organisation."""
        organization, user = request.query_params.get("organization"), request.query_params.get("user")
        if needs_one and not organization and not user:
            raise invalid("organization", "must be specified, or user")
        if organization and not organization.startswith(f"{render.HOST}/organizations/"):
            raise invalid("organization")
        if organization and organization != render.organization(self._store):
            raise forbidden()
        if not user:
            return
        addresses = {render.address("users", each) for each in self._store.users}
        if user not in addresses:
            raise forbidden("This user is not in your organization")
        if not organization and user != render.address("users", self._owner.uuid):
            raise forbidden(
                "Please also specify organization when requesting events for a user within your organization."
            )

    # --- no-shows ---

    async def mark(self, request: Request) -> Any:
        """Mark that an invitee did not come."""
        address = str((await json_object(request)).get("invitee") or "")
        invitee = self._store.invitees.get(address.rpartition("/")[2])
        if invitee is None or address != render.invitee_address(invitee.event, invitee.uuid):
            raise invalid("invitee")
        if invitee.no_show:
            raise CalendlyError(409, "Invitee is already marked as no show")
        return JSONResponse({"resource": render.no_show(self._writes.do({"do": "mark", "invitee": invitee.uuid}))}, 201)

    async def no_show(self, request: Request) -> Any:
        """A mark."""
        return {"resource": render.no_show(self._store.invitees[_of(self._store.no_shows, request)])}

    async def unmark(self, request: Request) -> Any:
        """Take a mark back."""
        _of(self._store.no_shows, request)
        self._writes.do({"do": "unmark", "no_show": request.path_params["uuid"]})
        return Response(status_code=204)

    # --- what can be booked ---

    async def event_types(self, request: Request) -> Any:
        """Kinds of calls."""
        self._check_scope(request, needs_one=True)
        sent = request.query_params
        rows = [
            kind
            for kind in self._store.event_types.values()
            if sent.get("user") in (None, render.address("users", kind.owner))
            and sent.get("active") in (None, str(kind.active).lower())
        ]
        return collection(
            request,
            self._walks,
            rows,
            lambda kind: render.event_type(kind, self._store),
            "name",
            _created,
            _uuid,
        )

    async def event_type(self, request: Request) -> Any:
        """One kind of call."""
        return {"resource": render.event_type(_of(self._store.event_types, request), self._store)}

    async def nothing(self, request: Request) -> Any:
        """A list of what this organisation does not use."""
        self._check_scope(request, needs_one=False)
        return collection(request, self._walks, [], lambda row: row, "created_at", lambda row: row, str)


def _of(records: Any, request: Request) -> Any:
    record = records.get(request.path_params["uuid"])
    if record is None:
        raise not_found()
    return record


def app(
    store: CalendlyStore, clock: Callable[[], datetime], persist: Persist = discard, limits: Limits | None = None
) -> Starlette:
    """Calendly on this store."""
    calendly = Calendly(store, clock, persist)
    return api(limits or Limits()).app(
        (
            ("GET", "/users/me", calendly.me),
            ("GET", "/users/{uuid}", calendly.user),
            ("GET", "/organization_memberships", calendly.memberships),
            ("GET", "/organization_memberships/{uuid}", calendly.membership),
            ("GET", "/scheduled_events", calendly.events),
            ("GET", "/scheduled_events/{uuid}", calendly.event),
            ("GET", "/scheduled_events/{uuid}/invitees", calendly.invitees),
            ("GET", "/scheduled_events/{uuid}/invitees/{invitee}", calendly.invitee),
            ("POST", "/invitee_no_shows", calendly.mark),
            ("GET", "/invitee_no_shows/{uuid}", calendly.no_show),
            ("DELETE", "/invitee_no_shows/{uuid}", calendly.unmark),
            ("GET", "/event_types", calendly.event_types),
            ("GET", "/event_types/{uuid}", calendly.event_type),
            ("GET", "/routing_forms", calendly.nothing),
            ("GET", "/routing_form_submissions", calendly.nothing),
            ("GET", "/groups", calendly.nothing),
        )
    )
