"""The lakes that the hot path reads: what is known by a moment, and the daily tables of some customers over it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from gtm_platform.intelligence.effect.shown_lake import ShownLake
from gtm_platform.lake.contract_check import Written
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import Statement
from gtm_platform.lake.file_query import FileQuery, text
from gtm_platform.lake.frames import Rows
from gtm_platform.lake.lake import DamagedFile, File, Lake
from gtm_platform.lake.overlay import Overlay

CUSTOMER = "customer_id"


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
class SomeCustomers(Overlay):
    """A lake in which the daily tables of a day hold some customers only, and get only their rows.

    With `whole` they hold everybody: these customers as they were written here, the others as the base has them.
    """

    day: str
    customers: frozenset[str]
    whole: bool = False

    def query_day(self, table: str, day: str) -> FileQuery:
        """Return a query for a table on a day, of the customers that it holds here."""
        contract = contract_of(table)
        if contract.cadence is not None or day != self.day or CUSTOMER not in contract.columns:
            return super().query_day(table, day)
        if not self.whole:
            files = [file for file in self.files(table) if file.partition == day]
            return self.file_query(table, files, f"select * from {{rows}} {self._these('semi')}")
        base = [file for file in self.base.files(table) if file.partition == day]
        own = [file for file in Lake(self.root).files(table) if file.partition == day]
        if not own:
            return self.file_query(table, base)
        query = f"select * from {{rows}} {self._these('anti')} union all by name select * from {{base}}"
        return replace(self.file_query(table, base, query), base=self.paths(own))

    def write(
        self,
        table: str,
        partition: str,
        rows: Rows,
        full: bool = False,
        *,
        is_open: bool = False,
        unless_same: bool = False,
    ) -> Written:
        """Write the rows of these customers."""
        if not isinstance(rows, Statement):
            raise TypeError(f"{table} reads rows while its rule is called, so it cannot be made for some customers.")
        some = Statement(f"select * from ({rows.sql}) as every_row {self._these('semi')}", rows.views)
        return super().write(table, partition, some, full, is_open=is_open, unless_same=unless_same)

    def of_everybody(self) -> "SomeCustomers":
        """Return the lake in which daily tables hold everybody."""
        return replace(self, whole=True)

    def _these(self, join: str) -> str:
        ids = ", ".join(text(id) for id in sorted(self.customers))
        return f"{join} join (select unnest([{ids}]::varchar[]) as {CUSTOMER}) as these using ({CUSTOMER})"


@dataclass(frozen=True)
class ShownCustomers(SomeCustomers, ShownLake):
    """Some customers as people are shown them: without what an experiment withholds."""
