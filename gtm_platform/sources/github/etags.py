"""Profiles as GitHub last answered them, each with its ETag: asked again only after a while, and then by the ETag.

An answer that did not change is a 304 and costs nothing of the limit. The files lie in the home, as they are about
people, and can be deleted at any time.
"""

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gtm_platform.sealed_files import read_bytes, write_text

FRESH = timedelta(days=30)  # people seldom change what they state


@dataclass(frozen=True)
class Stored:
    """An answer and when it was last confirmed."""

    etag: str
    at: datetime
    body: bytes

    def is_fresh(self, now: datetime) -> bool:
        """Whether it need not be asked for again."""
        return timedelta() <= now - self.at < FRESH


@dataclass(frozen=True)
class EtagFiles:
    """One file for each address; none are written where the home does not exist."""

    home: Path
    base_url: str

    def read(self, path: str) -> Stored | None:
        """Return what is stored of an address; None where that is nothing, or not readable."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            row = json.loads(read_bytes(self._file(path)))
            return Stored(row["etag"], datetime.fromisoformat(row["at"]), row["body"].encode())
        return None

    def write(self, path: str, stored: Stored) -> None:
        """Store an answer, whole or not at all; a disk that is full is no reason to fail."""
        if not self.home.is_dir():
            return
        file = self._file(path)
        row = {"etag": stored.etag, "at": stored.at.isoformat(), "body": stored.body.decode("utf-8", "replace")}
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            write_text(file, json.dumps(row))

    def _file(self, path: str) -> Path:
        name = hashlib.sha256(f"{self.base_url}{path}".encode()).hexdigest()
        return self.home / "etags" / "github" / f"{name}.json"
