"""The MCP server: every tool, bound to who asks; and what the columns mean, as a resource."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

import orjson
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

from gtm_platform.keyring import KeyProblem
from gtm_platform.serving.chat.answers import DATA
from gtm_platform.serving.chat.question import BRIEF, Asker
from gtm_platform.serving.chat.tools import Tool, discover
from gtm_platform.serving.snapshot.layout import SHOWN
from gtm_platform.serving.store import BadQuery, NoSnapshot

INSTRUCTIONS = f"""Customers, their health and what they pay, of the last day whose tables were made.
Every answer has `as_of` and `tables`: name both when you pass a figure on. Never compute a metric from a list: ask for
it, it is defined once. {DATA} MRR is in the reporting currency. Without names the token may not see personal data."""
READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)


class StrictServer(MCPServer[Any]):
    """A server that refuses what a tool does not take: a misspelt filter would look like an answer."""

    async def call_tool(self, name: str, arguments: dict[str, Any], *more: Any, **options: Any) -> Any:
        """Call a tool with arguments that it takes."""
        tool = discover().get(name)
        taken = list(inspect.signature(tool.answer).parameters)[1:] if tool else list(arguments)
        if set(arguments) - set(taken):
            raise ToolError(f"{name} takes {', '.join(taken) or 'no argument'}, and nothing else.")
        return await super().call_tool(name, arguments, *more, **options)


def make_server(asker: Asker) -> MCPServer[Any]:
    """Return the server whose questions come from the asker."""
    server = StrictServer("gtm-platform", instructions=INSTRUCTIONS, version=version("gtm-platform"), log_level="ERROR")
    for tool in discover().values():
        server.add_tool(_bound(tool, asker), tool.name, tool.title, annotations=READS)
    server.resource("gtm://columns", title="Columns of a customer", mime_type="application/json")(_columns)
    return server


def _columns() -> str:
    """What the columns of a customer mean."""
    columns = [{"column": name, "type": SHOWN[name].type, "meaning": SHOWN[name].about} for name in BRIEF]
    return orjson.dumps(columns).decode()


def _bound(tool: Tool, asker: Asker) -> Callable[..., Awaitable[Any]]:
    """Return the tool without its first parameter; what it refuses reaches the program as a sentence."""

    @functools.wraps(tool.answer)
    async def call(**arguments: Any) -> Any:
        try:
            with asker.question(tool.name) as question:
                if tool.area not in question.principal.areas:
                    raise ToolError(f"The role of this token does not open what is about {tool.area}.")
                if tool.scope and tool.scope not in question.principal.scopes:
                    raise ToolError(f"This token lacks the scope {tool.scope}.")
                return tool.answer(question, **arguments)
        except (BadQuery, KeyProblem, NoSnapshot) as refused:
            raise ToolError(str(refused)) from None

    signature = inspect.signature(tool.answer)
    _, *parameters = signature.parameters.values()
    call.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {name: kind for name, kind in call.__annotations__.items() if name != "question"}
    return call
