"""`/mcp` on the API: the token of the request decides, as on every other address."""

from contextvars import ContextVar

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from gtm_platform.serving.api.context import Api, authorized, require
from gtm_platform.serving.api.problems import Problem
from gtm_platform.serving.chat.question import Asker
from gtm_platform.serving.chat.server import make_server
from gtm_platform.serving.problem_answer import problem
from gtm_platform.serving.tokens import Principal

PATH = "/mcp"
LARGEST_REQUEST = 100_000  # bytes; arguments are short
PRINCIPAL: ContextVar[Principal] = ContextVar("principal")
# A page of another origin has no token: names of hosts need not be checked, which a proxy may change.
ANY_HOST = TransportSecuritySettings(enable_dns_rebinding_protection=False)


class ChatEndpoint:
    """The ASGI app of `/mcp`, without sessions: every request stands for itself.

    `run` has to be entered before the first.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        server = make_server(Asker(api.store, api.log, api.now, PRINCIPAL.get))
        server.streamable_http_app(
            stateless_http=True,
            json_response=True,
            transport_security=ANY_HOST,
            max_request_body_size=LARGEST_REQUEST,
        )
        self._sessions: StreamableHTTPSessionManager = server.session_manager
        self.run = self._sessions.run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of a token that may read customers; refuse any other."""
        kind, _, token = Request(scope).headers.get("authorization", "").partition(" ")
        try:
            shown = token.strip() if kind.lower() == "bearer" else None
            principal = authorized(self._api.tokens, self._api.limit, shown)
            scope.setdefault("state", {})["principal"] = principal
            require(principal, "customers:read")
        except Problem as refused:
            await problem(refused.status, refused.detail, refused.headers)(scope, receive, send)
            return
        reset = PRINCIPAL.set(principal)
        try:
            await self._sessions.handle_request(scope, receive, send)
        finally:
            PRINCIPAL.reset(reset)
