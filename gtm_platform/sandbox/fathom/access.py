"""Who may call Fathom, how often, and how it refuses. A key belongs to a person and sees what that person sees."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from gtm_platform.sandbox.fathom.store import FathomMeeting, FathomMember, FathomStore
from gtm_platform.sandbox.kit.api import Api
from gtm_platform.sandbox.kit.authentication import Authentication, header
from gtm_platform.sandbox.kit.errors import ApiError, PlainErrors
from gtm_platform.sandbox.kit.limits import Limit, Rate, RateHeaders

DOCUMENTED: Mapping[str, Rate] = {"calls": Rate(60, 60)}
KEYS = tuple(f"fathom-sandbox-{number}" for number in range(1, 8))  # one of each host
_HEADERS = RateHeaders("RateLimit-Limit", "RateLimit-Remaining", reset_in="RateLimit-Reset")


@dataclass
class Limits:
    """How many calls are left.

    Whether each key has a limit of its own is not established: they share one here.
    """

    calls: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["calls"]))


class FathomError(ApiError):
    """A refusal. Its body is not documented: nothing should depend on it."""

    def body(self, request_number: int) -> Any:  # noqa: ARG002
        """A mere message."""
        return {"error": self.message}


def owner(request: Request, store: FathomStore) -> FathomMember:
    """Whose key came with the request."""
    key = header("X-Api-Key")(request)
    return next(member for member in store.members.values() if member.key == key)


def is_visible(meeting: FathomMeeting, member: FathomMember, store: FathomStore) -> bool:
    """Whether somebody may see a recording.

    Their own, one shared with their team, or one shared with all.
    """
    host = store.members[meeting.host]
    shared = meeting.shared_with == "all_teams" or (meeting.shared_with == "single_team" and host.team == member.team)
    return meeting.host == member.email or shared


def api(limits: Limits) -> Api:
    """Fathom's keys, limit and errors around the handlers."""
    return Api(
        Authentication(KEYS[0], (header("X-Api-Key"),), KEYS[1:]),
        PlainErrors(FathomError),
        limits=lambda _: {"calls": limits.calls},
        headers=lambda _request, _status: _HEADERS.of(limits.calls),
    )
