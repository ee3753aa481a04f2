"""The emulator's addresses, and what each of them answers. There is no address of a single meeting."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import Request

from gtm_platform.sandbox.fathom import render
from gtm_platform.sandbox.fathom.access import FathomError, Limits, api, is_visible, owner
from gtm_platform.sandbox.fathom.store import FathomMeeting, FathomStore
from gtm_platform.sandbox.kit.filters import compared
from gtm_platform.sandbox.kit.paging import CursorPaging, PageSize
from gtm_platform.sandbox.kit.render import iso_seconds
from gtm_platform.sandbox.kit.walks import Walks

R = TypeVar("R")
PAGING = CursorPaging(PageSize(default=10, largest=10, parameter=""), "cursor")  # nobody can ask for another size
_FILTERS = {"created_after": "GT", "created_before": "LT"}
_DOMAIN_TYPES = ("all", "only_internal", "one_or_more_external")


class Fathom:
    """The handlers."""

    def __init__(self, store: FathomStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._walks = Walks(clock)

    def _visible(self, request: Request) -> Iterable[FathomMeeting]:
        member = owner(request, self._store)
        return (each for each in self._store.meetings.values() if is_visible(each, member, self._store))

    async def meetings(self, request: Request) -> Any:
        """The recordings that the owner of the key may see, the newest first."""
        sent, now = request.query_params, self._clock()
        parts = render.parts_asked_for(sent)
        rows = (each for each in self._visible(request) if self._is_wanted(each, sent))
        return self._page(
            request,
            rows,
            lambda each: render.meeting(each, self._store, now, parts),
            lambda each: [iso_seconds(each.created), each.recording_id],
            descending=True,
        )

    def _is_wanted(self, meeting: FathomMeeting, sent: QueryParams) -> bool:
        for name, comparison in _FILTERS.items():
            if name in sent and not compared(comparison, lambda each: each.created)(name, sent[name])(meeting):
                return False
        kind = sent.get("calendar_invitees_domains_type", "all")
        if kind not in _DOMAIN_TYPES:
            raise FathomError(400, f"calendar_invitees_domains_type must be one of {', '.join(_DOMAIN_TYPES)}")
        external = any(invitee.external for invitee in meeting.invitees)
        domains = {(invitee.email or "").partition("@")[2].lower() for invitee in meeting.invitees}
        hosts, teams = sent.getlist("recorded_by[]"), sent.getlist("teams[]")
        wanted_domains = sent.getlist("calendar_invitees_domains[]")
        return (
            (kind == "all" or external == (kind == "one_or_more_external"))
            and (not hosts or meeting.host in hosts)
            and (not teams or self._store.members[meeting.host].team in teams)
            and (not wanted_domains or bool(domains & set(wanted_domains)))
            and sent.get("meeting_type") in (None, meeting.meeting_type)
        )

    async def summary(self, request: Request) -> Any:
        """The summary of a recording."""
        meeting = self._of(request)
        if target := request.query_params.get("destination_url"):
            return {"destination_url": target}
        return {"summary": render.summary(meeting, self._clock())}

    async def transcript(self, request: Request) -> Any:
        """What was said in a recording."""
        meeting = self._of(request)
        if target := request.query_params.get("destination_url"):
            return {"destination_url": target}
        return {"transcript": render.transcript(meeting, self._store) if meeting.ready <= self._clock() else []}

    def _of(self, request: Request) -> FathomMeeting:
        number = request.path_params["id"]
        meeting = self._store.meetings.get(int(number)) if number.isdigit() else None
        if meeting is None:
            raise FathomError(404, "Not found")
        if not is_visible(meeting, owner(request, self._store), self._store):
            raise FathomError(403, "Forbidden")
        return meeting

    # --- people ---

    async def teams(self, request: Request) -> Any:
        """The teams of the organisation."""
        created = min(member.created for member in self._store.members.values())
        rows = sorted({member.team for member in self._store.members.values() if member.team})
        return self._page(
            request,
            rows,
            lambda name: {"name": name, "created_at": iso_seconds(created)},
            lambda name: name,
        )

    async def team_members(self, request: Request) -> Any:
        """The people of the organisation, or of one team."""
        team = request.query_params.get("team")
        rows = (each for each in self._store.members.values() if team in (None, each.team))
        return self._page(
            request,
            rows,
            lambda each: {"name": each.name, "email": each.email, "created_at": iso_seconds(each.created)},
            lambda each: each.email,
        )

    async def meeting_types(self, request: Request) -> Any:
        """The names by which meetings can be filtered. The shape is not established: it is that of the other lists."""
        rows = sorted({each.meeting_type for each in self._store.meetings.values() if each.meeting_type})
        return self._page(request, rows, lambda name: {"name": name}, lambda name: name)

    async def users(self, _: Request) -> Any:
        """For admins only, and no key here is an admin's."""
        raise FathomError(403, "Forbidden")

    def _page(
        self,
        request: Request,
        rows: Iterable[R],
        shape: Callable[[R], dict[str, Any]],
        place: Callable[[R], Any],
        *,
        descending: bool = False,
    ) -> dict[str, Any]:
        """A page of what the owner of the key may see; the rows are read only where none are kept."""
        reader = owner(request, self._store).email
        page = self._walks.sorted_page(PAGING, request, rows, place, reader, descending=descending)
        return {"limit": PAGING.size.default, "next_cursor": page.next, "items": [shape(row) for row in page.rows]}


def app(store: FathomStore, clock: Callable[[], datetime], limits: Limits | None = None) -> Starlette:
    """Fathom on this store."""
    fathom = Fathom(store, clock)
    return api(limits or Limits()).app(
        (
            ("GET", "/external/v1/meetings", fathom.meetings),
            ("GET", "/external/v1/recordings/{id}/summary", fathom.summary),
            ("GET", "/external/v1/recordings/{id}/transcript", fathom.transcript),
            ("GET", "/external/v1/meeting_types", fathom.meeting_types),
            ("GET", "/external/v1/teams", fathom.teams),
            ("GET", "/external/v1/team_members", fathom.team_members),
            ("GET", "/external/v1/users", fathom.users),
        )
    )
