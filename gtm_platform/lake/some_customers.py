"""A lake in which a day of the daily tables holds some customers only, for rules that make each row of its own.

Rows of companies that are made for some of them stand in it in the place of those that the base has.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa

from gtm_platform.lake.contract_check import Written
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import Statement
from gtm_platform.lake.encrypted_files import rows_of_files, scratch_name
from gtm_platform.lake.file_query import FileQuery, text
from gtm_platform.lake.frames import Rows
from gtm_platform.lake.lake import File, Lake
from gtm_platform.lake.overlay import Overlay
from gtm_platform.lake.spilled_rows import write_aside

CUSTOMER, COMPANY = "customer_id", "company_id"
LISTED = 1_000  # so many customers stand in a query itself


@dataclass(frozen=True)
class SomeCustomers(Overlay):
    """A lake in which the daily tables of a day hold some customers only, and get only their rows.

    Tables with rows of companies hold all of them, and get the rows of some. With `whole` the others hold everybody,
    too: these customers as they were written here, the others as the base has them. Source tables are whole, but where
    a condition in `owned` says which of their rows are these customers'.
    """

    day: str
    customers: frozenset[str]
    whole: bool = False
    companies: frozenset[str] = frozenset()
    owned: Mapping[str, str] = field(default_factory=dict, hash=False)  # by source table

    def query_day(self, table: str, day: str) -> FileQuery:
        """Return a query for a table on a day, of the customers that it holds here."""
        subject = subject_of(table)
        if subject is None or day != self.day:
            return super().query_day(table, day)
        if subject == CUSTOMER and not self.whole:
            files = [file for file in self.files(table) if file.partition == day]
            return self.file_query(table, files, f"select * from {{rows}} {self._these('semi')}")
        base = [file for file in self.base.files(table) if file.partition == day]
        own = [file for file in Lake(self.root).files(table) if file.partition == day]
        if not own:
            return self.file_query(table, base)
        untouched = self.file_query(table, base, f"select * from {{rows}} {self._these('anti', subject)}")
        these = self.file_query(table, own).template.replace("{rows}", "{base}")
        return replace(untouched, template=f"{untouched.template} union all by name {these}", base=self.paths(own))

    def query_as_of(self, table: str, until: str) -> FileQuery:
        """Return a query for a source table; of one with an owner, for these customers' rows and one of the others'.

        Where there is a row, the source is on, which rules ask.
        """
        query, condition = super().query_as_of(table, until), self.owned.get(table)
        if condition is None:
            return query
        rows = f"select * from ({query.template}) as every_row"
        theirs, another = f"{rows} where {condition}", f"{rows} where not coalesce({condition}, false) limit 1"
        return replace(query, template=f"{theirs} union all select * from ({another})")

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
        """Write the rows of these customers, or companies."""
        if not isinstance(rows, Statement):
            raise TypeError(f"{table} reads rows while its rule is called, so it cannot be made for some customers.")
        these = self.these(rows, subject_of(table) or CUSTOMER)
        return super().write(table, partition, these, full, is_open=is_open, unless_same=unless_same)

    def these(self, rows: Statement, subject: str = CUSTOMER) -> Statement:
        """Return a query for the rows of these customers, or companies."""
        return Statement(f"select * from ({rows.sql}) as every_row {self._these('semi', subject)}", rows.views)

    def rows_of_others(self, table: str, file: File) -> FileQuery:
        """Return a query for the rows of a file that are not of these customers, canaries included."""
        return self._of_file(table, file, "anti")

    def rows_of_these(self, table: str, file: File) -> FileQuery:
        """Return a query for the rows of a file that are of these customers, canaries included."""
        return self._of_file(table, file, "semi")

    def _of_file(self, table: str, file: File, join: str) -> FileQuery:
        query = f"select * from {{rows}} {self._these(join)}"
        return FileQuery(contract_of(table).schema, self.paths([file]), query, table=table)

    def of_everybody(self) -> "SomeCustomers":
        """Return the lake in which daily tables hold everybody."""
        return replace(self, whole=True, owned={})

    def _these(self, join: str, subject: str = CUSTOMER) -> str:
        ids = self.customers if subject == CUSTOMER else self.companies
        if len(ids) > LISTED:
            these = rows_of_files([self._ids_aside(subject, ids)])
        else:
            listed = ", ".join(text(id) for id in sorted(ids))
            these = f"(select unnest([{listed}]::varchar[]) as {subject})"
        return f"{join} join {these} as these using ({subject})"

    def _ids_aside(self, subject: str, ids: frozenset[str]) -> Path:
        """Return a file of ids: a query that lists thousands takes long to be read."""
        path = self.root / scratch_name(f"{subject}s")
        if not path.exists():
            self.root.mkdir(parents=True, exist_ok=True)
            rows = pa.table({subject: pa.array(sorted(ids), pa.string())})
            write_aside(rows.to_batches(), rows.schema, path)
        return path


def subject_of(table: str) -> str | None:
    """Return the column by which a daily table's rows are of customers or companies, if they are."""
    contract = contract_of(table)
    if contract.cadence is not None:
        return None
    if CUSTOMER in contract.columns:
        return CUSTOMER
    return COMPANY if contract.key[0] == COMPANY else None
