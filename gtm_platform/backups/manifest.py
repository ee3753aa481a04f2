"""What a backup holds: each file with its size and hash. It is written last, so that a backup without one is none."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO

NAME = "manifest.json"
FORMAT = 1
BLOCK = 1 << 20


class NotABackup(ValueError):
    """There is no whole backup; the message says what is missing."""


@dataclass(frozen=True)
class Entry:
    """A file of a backup."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """A whole backup: when and of which home it was made, by which version, and its files by their paths."""

    made_at: str
    home: str
    package: str
    state_version: str | None  # None: the state is not in it, as it lies in Postgres
    rest: str  # the folder of what is not the lake's: it changes, and so has a name of its own in each backup
    files: Mapping[str, Entry]

    def place(self, name: str) -> str:
        """Return where a file of the home lies in the backup."""
        return name if is_of_lake(name) else f"{self.rest}/{name}"

    def text(self) -> str:
        """Write it as JSON."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, sort_keys=True) + "\n"

    @classmethod
    def parse(cls, text: str) -> "Manifest":
        """Read it from JSON; NotABackup where it is none, or of a later format."""
        try:
            content = json.loads(text)
            if content.pop("format") != FORMAT:
                raise NotABackup("The backup is of a later version of the platform: update it, and restore again.")
            files = {path: Entry(**entry) for path, entry in content.pop("files").items()}
            return cls(**content, files=files)
        except (TypeError, KeyError, AttributeError, json.JSONDecodeError):
            raise NotABackup(f"{NAME} of the backup cannot be read: it is damaged, or of something else.") from None


def is_of_lake(name: str) -> bool:
    """Whether a file never changes: the lake gives no name twice."""
    return name.startswith("lake/")


def package_version() -> str:
    """Return the version of the platform that is installed."""
    try:
        return version("gtm-platform")
    except PackageNotFoundError:
        return "unknown"


def copied(source: IO[bytes], target: IO[bytes]) -> Entry:
    """Copy a file, and return its size and hash."""
    digest, size = hashlib.sha256(), 0
    while block := source.read(BLOCK):
        digest.update(block)
        target.write(block)
        size += len(block)
    return Entry(size, digest.hexdigest())


def entry_of(path: Path) -> Entry:
    """Return the size and hash of a file."""
    with open(path, "rb") as file:
        return Entry(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())
