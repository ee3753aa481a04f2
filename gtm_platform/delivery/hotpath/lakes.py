"""The lakes that the hot path reads: what is known by a moment, and the daily tables of some customers over it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gtm_platform.intelligence.effect.shown_lake import ShownLake
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.lake import DamagedFile, File, Lake
from gtm_platform.lake.some_customers import SomeCustomers


@dataclass(frozen=True)
class KnownBy(Lake):
    """A lake with its source tables by a stamp, and open windows that only the hot path has read.

    Those are in a folder of their own. Of a window that the lake has to its end, the lake's file counts. Daily tables
    are the lake's.
    """

    base: Lake
    until: str

    def versions(self, table: str) -> list[File]:
        """Every file of either that was written by then."""
        if contract_of(table).cadence is None:
            return self.base.versions(table)
        files = [file for file in self.base.versions(table) if file.stamp <= self.until]
        closed = {file.partition for file in files if not file.is_open}
        own = [file for file in super().versions(table) if file.stamp <= self.until and file.partition not in closed]
        return sorted([*files, *own])

    def damaged(self, paths: Iterable[str]) -> DamagedFile | None:
        """Return the error for the first of the lake's files that cannot be read, if any."""
        return self.base.damaged(path for path in paths if not Path(path).is_relative_to(self.root))


@dataclass(frozen=True)
class ShownCustomers(SomeCustomers, ShownLake):
    """Some customers as people are shown them: without what an experiment withholds."""
