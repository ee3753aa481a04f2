"""What may be shown of a URL or of an answer: no secret, no e-mail address, no query, and never much of it."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from urllib.parse import urlsplit

SHOWN = 200
SEARCHED = 4_000

SECRETS = re.compile(
    r"""(?ix)
    \b(?:sk|rk|pk)_(?:live|test)_\w+ | \bwhsec_\w+            # Stripe
    | \bpat-[\w-]{8,} | \bxox[a-z]-[\w-]+ | \bxapp-[\w-]+      # HubSpot, Slack
    | \bgh[a-z]_\w+ | \bgithub_pat_\w+ | \bph[xc]_\w+ | \bAIza[\w-]{20,} | \beyJ[\w-]+\.[\w-]+\.?[\w-]*
    | (?<=bearer\ )\s*[^\s"',;]+ | (?<=basic\ )[A-Za-z0-9+/=]{8,}
    | (?<=key=)[^\s"'&,;]+ | (?<=token=)[^\s"'&,;]+ | (?<=secret=)[^\s"'&,;]+ | (?<=password=)[^\s"'&,;]+
    | (?<=://)[^/\s@]+(?=@)                                     # user:password@host
    | \b\w{40,}\b                                               # anything long and opaque
    """
)
# Keys come from the environment only, under names that end like this. Many have no shape of their own.
KEY_NAMES = re.compile(r"_(?:KEYS?|TOKEN|SECRET|PASSWORD)$")
SHORTEST_KEY = 8
QUOTED = re.compile(r"""'[^'\n]*'|"[^"\n]*\"""")
# What Python says of code, in errors of these kinds: the names of attributes, arguments, modules and types are no data.
CODE_ERRORS = (AttributeError, ImportError, NameError, TypeError)
NAME = r"'[^\W\d][\w.]*'"
CODE = (
    r"\b(?:attribute|arguments?:?|[Mm]odule|named|name|type object|for [^\s']+:|instances of|from|mean:) "
    rf"{NAME}(?:(?:,|,? and) {NAME})*|{NAME}(?= object\b)|'[<>]=?'(?= not supported)"
)
CODE_OR_QUOTED = re.compile(f"({CODE})|{QUOTED.pattern}")
ADDRESSES = re.compile(r"[\w.+%-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")


def masked(text: str) -> str:
    """Return the text with secrets and e-mail addresses masked."""
    return masker()(text)


def masker() -> Callable[[str], str]:
    """Return what masks many texts: the environment is looked through for keys once."""
    keys = _keys_of_environment()
    return lambda text: ADDRESSES.sub("***@***", SECRETS.sub("***", keys.sub("***", text)))


def _keys_of_environment() -> re.Pattern[str]:
    """Match the very keys that this process was started with, whole or in parts; nothing where there are none."""
    values = [value for name, value in os.environ.items() if KEY_NAMES.search(name)]
    parts = {part for value in values for part in (value, *re.split(r"[,\s]+", value)) if len(part) >= SHORTEST_KEY}
    return _any_of(frozenset(parts))


@cache
def _any_of(texts: frozenset[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(texts, key=len, reverse=True))) or r"(?!)")


def excerpt(text: str) -> str:
    """Return the beginning of a text from outside, on one line, printable and masked."""
    printable = "".join(char if char.isprintable() else " " for char in text[:SEARCHED])
    line = masked(" ".join(printable.split()))
    return line if len(line) <= SHOWN else line[:SHOWN] + "…"


def bare_url(url: str) -> str:
    """Return scheme, host and path, without the query and the credentials."""
    parts = urlsplit(url)
    return masked(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else parts.path)


@contextmanager
def redact_exceptions() -> Iterator[None]:
    """Mask secrets in errors before Dagster stores their text, which anybody may read."""
    try:
        yield
    except Exception as error:
        _redact_chain(error)
        raise


def _redact_chain(error: BaseException | None) -> None:
    """Mask what an error says, and those that it came from. Libraries quote the value that they stumbled over."""
    visited: set[int] = set()
    while error is not None and id(error) not in visited:
        visited.add(id(error))
        unquoted = _unquoted(error)
        error.args = tuple(masked(unquoted(text)) if isinstance(text, str) else text for text in error.args)
        error = error.__cause__ or error.__context__


def _unquoted(error: BaseException) -> Callable[[str], str]:
    """Return what masks the quotations in an error's text: all but the names of code, and none in our own sentences."""
    if type(error).__module__.startswith("gtm_platform."):
        return str
    if isinstance(error, CODE_ERRORS):
        return partial(CODE_OR_QUOTED.sub, lambda quotation: quotation[1] or "'***'")
    return partial(QUOTED.sub, "'***'")
