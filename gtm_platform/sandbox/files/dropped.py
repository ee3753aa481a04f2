"""When which file is dropped, and in which dialect: as spreadsheets of several countries write them."""

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gtm_platform.sandbox.files import rows
from gtm_platform.sandbox.world import World

FIRST_TIMES = (timedelta(0), timedelta(hours=30))  # after the start of the world; then once a week
EVERY = timedelta(days=7)

Table = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class DroppedFile:
    """A file that is dropped for a source at an instant."""

    source: str
    name: str
    at: datetime
    content: bytes


@dataclass(frozen=True)
class _Dialect:
    encoding: str = "utf-8"
    delimiter: str = ","
    mark: bytes = b""
    above: str = ""  # notes above the header

    def write(self, table: Table) -> bytes:
        text = io.StringIO(newline="")
        text.write(self.above)
        writer = csv.DictWriter(text, list(table[0]), delimiter=self.delimiter, lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(table)
        return self.mark + text.getvalue().encode(self.encoding, "replace")


_EXCEL = _Dialect(delimiter=";", mark=codecs.BOM_UTF8)
_SHEET = _Dialect()
_UNICODE_TEXT = _Dialect("utf-16-le", "\t", codecs.BOM_UTF16_LE)
_OLD = _Dialect("cp1252", ";")

# By source: the name of each file, what is in it, and how it is written.
_FILES: Mapping[str, tuple[tuple[str, Callable[[World, datetime], Table], _Dialect], ...]] = {
    "competitor_research": (("competitor_research", rows.research, _OLD),),
    "linkedin_sales_nav": (
        ("accounts_target-accounts", rows.accounts, _EXCEL),
        ("leads_target-accounts", rows.leads, _SHEET),
    ),
    "partners_csv": (
        ("partners", rows.partners, _SHEET),
        ("partner_referrals", rows.referrals, _EXCEL),
        ("partner_manual_entries", rows.manual_entries, _SHEET),
    ),
    "reodev_export": (("reodev_activities", rows.activities, _UNICODE_TEXT),),
}
FULL = ("partners_csv", "partners")  # it lists all of them, and its name says so


def files_between(world: World, since: datetime | None, until: datetime) -> list[DroppedFile]:
    """Return the files that are dropped after one instant, or ever, and until another.

    Nobody drops a file again in which nothing has changed.
    """
    newest: dict[tuple[str, str], bytes] = {}
    files = []
    for at in _times(world.start, until):
        for source, name, content in _written_at(world, at):
            if newest.get((source, name)) != content and (since is None or at > since):
                ending = "_full" if (source, name) == FULL else ""
                files.append(DroppedFile(source, f"{name}_{at:%Y%m%d}{ending}.csv", at, content))
            newest[source, name] = content
    return files


def newest_drop(world: World, before: datetime) -> datetime | None:
    """Return when files were last written before an instant; None where none were."""
    return max((at for at in _times(world.start, before) if at < before), default=None)


def _times(start: datetime, until: datetime) -> Iterator[datetime]:
    yield from (start + span for span in FIRST_TIMES if start + span <= until)
    at = start + FIRST_TIMES[-1] + EVERY
    while at <= until:
        yield at
        at += EVERY


def _written_at(world: World, at: datetime) -> Iterator[tuple[str, str, bytes]]:
    for source, files in _FILES.items():
        for name, table, dialect in files:
            if content := table(world, at):
                yield source, name, dialect.write(content)
