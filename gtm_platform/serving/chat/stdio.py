"""The chat over stdin and stdout, for a program on this machine that starts `gtm mcp`."""

from collections.abc import Callable
from datetime import datetime

from mcp.server.mcpserver.exceptions import ToolError

from gtm_platform.serving.api.access_log import AccessLog
from gtm_platform.serving.api.context import authorized, require
from gtm_platform.serving.api.problems import Problem
from gtm_platform.serving.api.rate_limit import RequestLimit
from gtm_platform.serving.chat.question import Asker
from gtm_platform.serving.chat.server import make_server
from gtm_platform.serving.store import Store
from gtm_platform.serving.tokens import Principal, Tokens
from gtm_platform.state import State

CALLS_PER_SECOND = 5.0


def serve_stdio(store: Store, state: State, now: Callable[[], datetime], token: str) -> None:
    """Answer until stdin ends; ValueError where the token is none that may read customers.

    It is looked at again with each call, as it may be revoked meanwhile.
    """
    tokens, limit, log = Tokens(state, now), RequestLimit(CALLS_PER_SECOND), AccessLog(state, now)

    def principal() -> Principal:
        try:
            allowed = authorized(tokens, limit, token)
            require(allowed, "customers:read")
        except Problem as refused:
            raise ToolError(refused.detail) from None
        return allowed

    try:
        principal()
    except ToolError as refused:
        raise ValueError(f"GTM_API_TOKEN is refused. {refused}") from None
    try:
        make_server(Asker(store, log, now, principal, log.write)).run("stdio")
    finally:
        log.write()
