"""Reading a policy file, with the file and the line in every complaint."""

import re
import tomllib
from typing import Any, TypeVar

from pydantic import ValidationError

from gtm_platform.policy.rules import Rules

R = TypeVar("R", bound=Rules)
REASONS = {"extra_forbidden": "this key is not known", "missing": "this key is missing"}


class PolicyError(ValueError):
    """A policy file that cannot be used; the message names the file, the line and what is wrong there."""


def parse(text: str, name: str, kind: type[R]) -> R:
    """Return the rules of a file's text; every mistake in it is named at once."""
    try:
        return kind.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{name} is not TOML: {error}") from None
    except ValidationError as error:
        mistakes = [f"{name}, line {_line(text, e['loc'])}: {_path(e['loc'])}: {_reason(e)}" for e in error.errors()]
        raise PolicyError("\n".join(mistakes)) from None


def _path(loc: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in loc)


def _reason(error: Any) -> str:
    return str(REASONS.get(error["type"]) or error["msg"])


def _line(text: str, loc: tuple[Any, ...]) -> int:
    """Return the line of the key at `loc`; of a missing key, the line of its table."""
    keys = [str(part) for part in loc if isinstance(part, str)]
    table, best = "", 1
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\[([^\]]+)\]", line):
            table = header[1].strip()
        named = f"{table}.{key[1]}".lstrip(".") if (key := re.match(r"\s*([\w-]+)\s*=", line)) else table
        if ".".join(keys) == named:
            return number
        if header and ".".join(keys).startswith(table):
            best = number
    return best
