"""The audit of commands: each that opens a home is an entry, by its name, with who ran it and about whom it was.

Arguments are left out, as an address or a name may be among them. `Home.enter` begins an entry, so that a new command
needs no line; what a command reads, or of whom, it adds by `about`.
"""

import getpass
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

# The commands that are no entry, each with the reason.
UNAUDITED = {
    "gtm audit verify": "it would lengthen what it checks",
    "gtm dashboard": "each page is an entry",
    "gtm demo": "everybody in it is made up",
    "gtm doctor": "it shows nobody",
    "gtm mcp": "each call is an entry",
    "gtm serve": "each request is an entry",
    "gtm ui": "each page and request is an entry",
}


@dataclass
class OpenEntry:
    """What is known of the command that runs."""

    command: str
    people: dict[str, None] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)


_running: list[OpenEntry] = []  # at most one, and none once it is written


def begin() -> None:
    """Begin the entry of the command that enters a home."""
    path = _path(click.get_current_context(silent=True))
    _running[:] = [OpenEntry(path)] if path and path not in UNAUDITED else []


def _path(context: click.Context | None) -> str:
    """Return the command as people write it, however the process was started; "" where there is none."""
    names: list[str] = []
    while context and context.parent:
        names.insert(0, context.info_name or "")
        context = context.parent
    return " ".join(["gtm", *names]) if names else ""


def about(people: Iterable[str] = (), **detail: Any) -> None:
    """Add to the entry whose data the command shows, by their ids, and what else says what it does."""
    for entry in _running:
        entry.people.update(dict.fromkeys(people))
        entry.detail.update(detail)


def write() -> None:
    """Write the entry, once; where there is no state yet, there is nobody in it."""
    if not _running:
        return
    entry = _running.pop()
    from gtm_platform.settings import settings
    from gtm_platform.state import audit, open_state

    config = settings()
    if not _exists(config.state_url):
        return
    detail = {**entry.detail, "people": list(entry.people)} if entry.people else entry.detail
    with closing(open_state(config.state_url)) as state, state.writing() as tx:
        audit.note(tx, config.now(), f"user {getpass.getuser()}", entry.command, "", detail)


def _exists(url: str) -> bool:
    import sqlalchemy as sa  # a fifth of a second, which `gtm --help` need not take

    place = sa.make_url(url)
    return place.get_backend_name() != "sqlite" or bool(place.database and Path(place.database).exists())
