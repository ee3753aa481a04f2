"""The drop folder of a source: files are taken out of it once each, looked through, and kept as they came.

A file counts as of the newest window that has closed when it is picked up, so that the tables of the last whole day
have it at once, and no window is written before it is over. Files that come one after another stay in that order.
"""

import fcntl
import hashlib
import logging
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gtm_platform import sealed_files
from gtm_platform.http.pages import Page
from gtm_platform.ingest.files.layout import FileLayout
from gtm_platform.ingest.files.reading import MICROSECOND, FileRefused, FileReport, Origin, TextFile, examine
from gtm_platform.ingest.files.rejected import write_rejected
from gtm_platform.ingest.source import Window
from gtm_platform.settings import settings
from gtm_platform.state import State, open_state
from gtm_platform.state import dropped_files as register
from gtm_platform.state.dropped_files import ACCEPTED, READ, RECEIVED, REFUSED, DroppedFile

SETTLED_SECONDS = 5  # a file that changed later than this ago may still be written
UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".download", ".swp")
LONGEST_NAME = 180  # bytes
NEW = (0, sys.maxsize)
HASHED_AT_ONCE = 1 << 20
LAST_MINUTE = timedelta(minutes=1)  # of a window: what arrives in it still counts within

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileFolder:
    """The files of one source, of one kind or several; `hours` are those of the source's windows."""

    source: str
    layouts: Mapping[str, FileLayout] = field(compare=False)  # by stream
    hours: int = 24
    _handed_over: dict[str, list[int]] = field(default_factory=dict, compare=False)  # by stream: files in a sync

    # --- where things lie --------------------------------------------------------------------------------------------

    @property
    def drop(self) -> Path:
        """Where people put files."""
        return settings().home / "drop" / self.source

    @property
    def originals(self) -> Path:
        """Where the originals are kept."""
        return settings().home / "files" / self.source

    def original(self, file: DroppedFile) -> Path:
        """Return the path of a file as it came."""
        return self.originals / f"{file.digest[:16]}_{file.name}"

    def waiting(self) -> list[Path]:
        """List the files that lie in the drop folder, without those that are being written by their names."""
        if not self.drop.is_dir():
            return []
        paths = (path for path in sorted(self.drop.iterdir()) if path.is_file() and not path.is_symlink())
        return [path for path in paths if path.name[:1] not in ".~" and not path.name.endswith(UNFINISHED)]

    def states(self) -> dict[str, tuple[int, int]]:
        """Return size and time of the last change of each file that lies in the drop folder."""
        states = {}
        for path in self.waiting():
            with suppress(FileNotFoundError):  # somebody took it back meanwhile
                state = path.stat()
                states[path.name] = state.st_size, state.st_mtime_ns
        return states

    def reason_for_rest(self) -> str | None:
        """Say why there is nothing to read: nobody has dropped a file yet."""
        if self.waiting() or any(self.originals.glob("[!.]*")):
            return None
        return f"{self.source} is off: put a CSV file into {self.drop}, or use gtm import {self.source} FILE"

    # --- picking up --------------------------------------------------------------------------------------------------

    def collect(self) -> None:
        """Pick up what lies in the folder and is written to its end, and finish what was begun before."""
        settled_by = time.time() - SETTLED_SECONDS
        states = self.states()
        waiting = [path for path in self.waiting() if states.get(path.name, NEW)[1] / 1e9 <= settled_by]
        if not waiting and not self.originals.is_dir():
            return
        with self._locked(), self._state() as state:
            self._finish_begun(state)
            for path in waiting:
                if path.exists():  # another process may have picked it up meanwhile
                    self._take(state, path)

    def take(self, path: Path) -> tuple[DroppedFile, bool]:
        """Pick up a copy of one file; return it as registered, and whether it was not before."""
        with self._locked(), self._state() as state:
            self._finish_begun(state)
            for left_behind in self.originals.glob(".import.*"):
                left_behind.unlink()
            copy = self.originals / f".import.{os.getpid()}"
            shutil.copyfile(path, copy)
            return self._take(state, copy, path.name)

    def dry_run(self, path: Path) -> FileReport:
        """Report what would come of a file; it is not picked up."""
        now = settings().now()
        return examine(path, _name(path.name), self.layouts, Origin(_name(path.name), now, now))

    def write_rejected(self, path: Path, into: Path) -> int:
        """Write the rows of a file that do not fit as a file of their own; return how many."""
        now = settings().now()
        file = TextFile.open(path, _name(path.name), self.layouts)
        if not file.header.is_complete:
            raise FileRefused(file.header.lacking)
        return write_rejected(file, Origin(_name(path.name), now, now), into)

    def _take(self, state: State, path: Path, name: str | None = None) -> tuple[DroppedFile, bool]:
        """Register a file and move it to the originals; one whose original is there already is only noted."""
        digest, now = _digest(path), settings().now()
        with state.writing() as tx:
            file = register.with_digest(tx, self.source, digest)
            if file and file.status != REFUSED and self.original(file).exists():
                register.update(tx, file, dropped_again_at=now)
                path.unlink()
                return file, False
            moment = self._as_of(now, register.last_until(tx, self.source))
            if file:  # refused by an earlier version, or taken back: it is read as if for the first time
                file = replace(file, received_at=now, as_of=moment, until=moment)
                changes = {"received_at": now, "as_of": moment, "until": moment, "settled_at": None}
                register.update(tx, file, status=RECEIVED, **changes)
            else:
                shown, size = _name(name or path.name), path.stat().st_size
                new = DroppedFile(0, self.source, digest, shown, "", RECEIVED, size, now, moment, moment, {})
                file = register.register(tx, new)
        sealed_files.take(path, self.original(file))
        return self._look_through(state, file), True

    def _as_of(self, now: datetime, last_until: datetime | None) -> datetime:
        """The moment in the newest window that has closed; never before the last row of an earlier file."""
        moment = min(now - timedelta(hours=self.hours), self.window_start(now) - LAST_MINUTE)
        return max(moment, last_until + MICROSECOND) if last_until else moment

    def window_start(self, moment: datetime) -> datetime:
        """Return when the window begins that holds a moment."""
        length, moment = timedelta(hours=self.hours), moment.astimezone(UTC)
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + (moment - midnight) // length * length

    def _finish_begun(self, state: State) -> None:
        """Look through files that were picked up by a process that died before it had done so."""
        with state.reading() as tx:
            begun = register.of_source(tx, self.source, RECEIVED)
        for file in begun:
            waiting = next((path for path in self.waiting() if _digest(path) == file.digest), None)
            if waiting and not self.original(file).exists():
                sealed_files.take(waiting, self.original(file))
            self._look_through(state, file)

    def _look_through(self, state: State, file: DroppedFile) -> DroppedFile:
        origin, original = Origin(file.name, file.received_at, file.as_of), self.original(file)
        if original.exists():
            report = examine(original, file.name, self.layouts, origin)
        else:
            report = FileReport(refused="The file vanished before it could be read. Drop it again.")
        changes: dict[str, Any] = {"stream": report.stream, "report": report.to_json()}
        changes |= {"status": REFUSED if report.refused else ACCEPTED}
        changes |= {"settled_at": settings().now()} if report.refused else {}
        changes |= {"until": file.as_of + report.last_line * MICROSECOND}
        with state.writing() as tx:
            register.update(tx, file, **changes)
            updated = register.with_digest(tx, self.source, file.digest)
        assert updated is not None
        return updated

    # --- reading -----------------------------------------------------------------------------------------------------

    def pages(self, stream: str, window: Window) -> Iterator[Page]:
        """Yield the rows of the files of a stream that count as of the window; of all files for a full one."""
        self.collect()
        self._handed_over[stream] = []
        for file in self.files(ACCEPTED, READ):
            if file.stream == stream and (window.full or (window.start <= file.until and file.as_of < window.end)):
                yield from self._pages_of(file)
                self._handed_over[stream].append(file.id)

    def _pages_of(self, file: DroppedFile) -> Iterator[Page]:
        if not self.original(file).exists():
            log.warning("The original of %s of %s is gone, and so are its rows.", file.name, self.source)
            return
        text = TextFile.open(self.original(file), file.name, {file.stream: self.layouts[file.stream]})
        for page in text.pages(Origin(file.name, file.received_at, file.as_of)):
            yield page.records

    def written(self, stream: str, run_id: str) -> list[DroppedFile]:
        """Note that what was handed over stands in the lake; return the files of the stream, refused ones too."""
        with self._state() as state:
            with state.writing() as tx:
                register.mark_read(tx, self._handed_over.pop(stream, []), run_id, settings().now())
            with state.reading() as tx:
                files = register.of_source(tx, self.source, READ, REFUSED)
        return [file for file in files if file.stream in (stream, "")]

    def files(self, *statuses: str) -> list[DroppedFile]:
        """Return the files with one of the statuses, in the order in which they count."""
        with self._state() as state, state.reading() as tx:
            return register.of_source(tx, self.source, *statuses)

    def unread(self) -> Sequence[DroppedFile]:
        """Return the files that were picked up and do not stand in the lake yet."""
        return self.files(RECEIVED, ACCEPTED) if self.originals.is_dir() else []

    # --- one at a time -----------------------------------------------------------------------------------------------

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process and one thread after another pick files up."""
        self.originals.mkdir(parents=True, exist_ok=True)
        with open(self.originals / ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _state(self) -> Iterator[State]:
        with closing(open_state(settings().state_url)) as state:
            yield state


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(HASHED_AT_ONCE):
            digest.update(chunk)
    return digest.hexdigest()


def _name(name: str) -> str:
    """A file's name as it is shown and kept: printable, and not too long."""
    printable = "".join(c if c.isprintable() and c not in "/\\" else "_" for c in name)
    while len(printable.encode("utf-8", "replace")) > LONGEST_NAME:
        middle = len(printable) // 2
        printable = printable[:middle] + printable[middle + 1 :]
    return printable
