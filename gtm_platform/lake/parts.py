"""A partition that many wrote at once: parts in a folder that no listing shows, and a marker that counts as the file.

    2026-03-19.<stamp>.part/part-00000-….parquet    the parts
    2026-03-19.<stamp>.part.parts                   JSON: how many rows, and each part with its bytes

The marker gets its name last, once all that it names is there and was checked. Only named parts count: what an attempt
that came late leaves in the folder is nobody's. A folder without a marker is a draft.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

FOLDER, MARKER = ".part", ".parts"
WITHIN = re.compile(r"\.part(?:/[^/]+\.parquet|\.parts)$")  # how the path of a part, or of a marker, ends


class DamagedMarker(ValueError):
    """A marker cannot be read."""


@dataclass(frozen=True)
class Part:
    """A file of a partition, by its name in the folder."""

    name: str
    bytes: int


@dataclass(frozen=True)
class Parts:
    """What a marker says: the rows of the partition, and the files that they lie in."""

    rows: int
    parts: tuple[Part, ...]

    def text(self) -> str:
        """Write it as JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def parse(cls, text: str) -> "Parts":
        """Read it from JSON; DamagedMarker where it is none."""
        try:
            content = json.loads(text)
            parts = tuple(Part(str(part["name"]), int(part["bytes"])) for part in content["parts"])
            if not parts or any("/" in part.name for part in parts):
                raise DamagedMarker("it names no parts")
            return cls(int(content["rows"]), parts)
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedMarker(str(error)) from None


def is_marker(path: Path) -> bool:
    """Whether a file is a marker: what counts is what it names."""
    return path.name.endswith(MARKER)


def folder_of(marker: Path) -> Path:
    """Return the folder of the parts that a marker names."""
    return marker.with_name(marker.name.removesuffix(MARKER))


def marker_of(folder: Path) -> Path:
    """Return the marker of a folder of parts."""
    return folder.with_name(folder.name + MARKER)


def is_part(path: Path) -> bool:
    """Whether a file is a part of another."""
    return path.parent.name.endswith(FOLDER)


def file_of(path: Path) -> Path:
    """Return the file that counts for a path that is read: the marker for a part, else the path itself."""
    return marker_of(path.parent) if is_part(path) else path


def one_name(path: str) -> str:
    """Return what a file in parts, or one of its parts, would be called as one file; else the path."""
    return WITHIN.sub(".part.parquet", path)


def parts_of(marker: Path) -> tuple[Path, ...]:
    """Return the parts that a marker names."""
    folder = folder_of(marker)
    return tuple(folder / part.name for part in read(marker).parts)


@lru_cache(maxsize=100_000)
def read(marker: Path) -> Parts:
    """Read a marker, which never changes."""
    try:
        return Parts.parse(marker.read_text())
    except OSError as error:
        raise DamagedMarker(error.strerror or "it cannot be read") from None


def drafts_in(root: Path, pattern: str) -> Iterator[Path]:
    """Yield the folders of parts that have no marker, by a pattern below a folder."""
    return (folder for folder in root.glob(pattern + FOLDER) if not marker_of(folder).exists())
