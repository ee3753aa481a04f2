"""A lake over another: what is written stays apart, what is read is the other's where nothing was written.

With it days are made again by other rules, for comparison, and the lake itself keeps its history.
"""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gtm_platform.lake.lake import DamagedFile, File, Lake


@dataclass(frozen=True)
class Overlay(Lake):
    """A lake whose own partitions stand in front of those of another."""

    base: Lake

    def versions(self, table: str) -> list[File]:
        """Every file of the table that counts: its own, and the other's of the partitions that it does not have."""
        own = super().versions(table)
        replaced = {file.partition for file in own}
        return sorted([*own, *(file for file in self.base.versions(table) if file.partition not in replaced)])

    def damaged(self, paths: Iterable[str]) -> DamagedFile | None:
        """Return the error for the first of the other's files that cannot be read, if any."""
        return self.base.damaged(path for path in paths if not Path(path).is_relative_to(self.root))


@contextmanager
def scratch_folder(lake: Lake) -> Iterator[Path]:
    """Make a folder beside the lake for what is only compared; it is gone with the context."""
    lake.home.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".comparison-", dir=lake.home))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
