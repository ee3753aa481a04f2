"""The tools of the chat: a module each, with the tool as TOOL. A file put here is a tool; it is listed nowhere."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from gtm_platform.policy.access import Area
from gtm_platform.serving.chat.answers import ChatAnswer


@dataclass(frozen=True)
class Tool:
    """A question that a chat program may ask.

    Parameters of `answer` after the first are those of the tool.
    Its docstring is what the program reads to decide when to call it. `area` is what it is about: roles open areas.
    """

    name: str
    title: str
    answer: Callable[..., ChatAnswer]
    area: Area = "customers"
    scope: str = ""  # of the token, beside those of every tool


def discover() -> dict[str, Tool]:
    """Return the tools of this package, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    tools: list[Tool] = [importlib.import_module(f"{__name__}.{name}").TOOL for name in names]
    return {tool.name: tool for tool in tools}
