"""The emulator's addresses. What each of them answers belongs in `endpoints` and `workspace`."""

from collections.abc import Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.requests import Request

from gtm_platform.sandbox.intercom.access import DOCUMENTED, Limits, api, check_version
from gtm_platform.sandbox.intercom.call import Call
from gtm_platform.sandbox.intercom.endpoints import Endpoints
from gtm_platform.sandbox.intercom.store import IntercomStore
from gtm_platform.sandbox.intercom.tagging import Tagging
from gtm_platform.sandbox.intercom.wire import Shape
from gtm_platform.sandbox.intercom.workspace import Workspace
from gtm_platform.sandbox.intercom.writing import Writing
from gtm_platform.sandbox.kit.api import Handler
from gtm_platform.sandbox.kit.write_log import Persist, discard


def app(
    store: IntercomStore,
    clock: Callable[[], datetime],
    limits: Limits = DOCUMENTED,
    persist: Persist = discard,
) -> Starlette:
    """Intercom on this store. Segments depend on the clock, and the time of a write; nothing else does."""
    endpoints, workspace = Endpoints(store, clock, limits), Workspace(store, clock)
    tagging, writing = Tagging(store, clock, persist), Writing(store, clock, persist)
    table: tuple[tuple[str, str, Callable[[Call], Shape]], ...] = (
        ("GET", "/me", workspace.me),
        ("GET", "/admins", workspace.admins),
        ("GET", "/admins/activity_logs", workspace.activity_logs),
        ("GET", "/admins/{id}", workspace.admin),
        ("GET", "/teams", workspace.teams),
        ("GET", "/tags", workspace.tags),
        ("POST", "/tags", tagging.make),
        ("GET", "/tags/{tag}", tagging.show),
        ("GET", "/segments", workspace.segments),
        ("GET", "/segments/{id}", workspace.segment),
        ("GET", "/data_attributes", workspace.data_attributes),
        ("GET", "/contacts", endpoints.contacts),
        ("POST", "/contacts", writing.make_contact),
        ("POST", "/contacts/search", endpoints.search_contacts),
        ("GET", "/contacts/{id}", endpoints.contact),
        ("PUT", "/contacts/{id}", writing.change_contact),
        ("POST", "/contacts/{id}/archive", writing.archive_contact),
        ("GET", "/contacts/{id}/companies", endpoints.contact_companies),
        ("GET", "/contacts/{id}/segments", endpoints.contact_segments),
        ("GET", "/contacts/{id}/tags", endpoints.contact_tags),
        ("POST", "/contacts/{id}/tags", tagging.tag),
        ("DELETE", "/contacts/{id}/tags/{tag}", tagging.untag),
        ("GET", "/companies", endpoints.find_companies),
        ("GET", "/companies/scroll", endpoints.scroll_companies),
        ("POST", "/companies/list", endpoints.list_companies),
        ("GET", "/companies/{id}", endpoints.company),
        ("GET", "/companies/{id}/contacts", endpoints.company_contacts),
        ("GET", "/companies/{id}/segments", endpoints.company_segments),
        ("GET", "/conversations", endpoints.conversations),
        ("POST", "/conversations", writing.begin),
        ("POST", "/conversations/search", endpoints.search_conversations),
        ("GET", "/conversations/{id}", endpoints.conversation),
        ("POST", "/conversations/{id}/parts", writing.part),
        ("POST", "/tickets/search", endpoints.search_tickets),
    )
    return api(limits).app((method, path, _handler(answer)) for method, path, answer in table)


def _handler(answer: Callable[[Call], Shape]) -> Handler:
    async def handler(request: Request) -> Shape:
        check_version(request.headers)
        return answer(Call(request.url, request.path_params, request.query_params, await request.body()))

    return handler
