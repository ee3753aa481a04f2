"""The lake as a role sees it: a report that is made from it has own customers only, and no personal columns.

Rows and columns are left out where a table is read, by its contract, so that a section of a report needs no line.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from gtm_platform.intelligence.effect.experiments import experiments_of_home
from gtm_platform.intelligence.effect.shown_lake import ShownLake
from gtm_platform.lake.contracts import TABLES
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.file_query import FileQuery, quoted, sql_type, text
from gtm_platform.lake.lake import File, Lake
from gtm_platform.serving.snapshot.layout import CUSTOMERS
from gtm_platform.serving.store.sight import EVERYTHING, Sight

CUSTOMER, COMPANY, MANAGER = "customer_id", "company_id", "account_manager"


@dataclass(frozen=True)
class SeenLake(ShownLake):
    """A lake whose tables have what may be seen of them."""

    sight: Sight = EVERYTHING

    def file_query(self, table: str, files: Sequence[File], template: str = "select * from {rows}") -> FileQuery:
        """Return a query over some files of a table, as they may be seen."""
        query = super().file_query(table, files, template)
        hidden = self._hidden(table)
        columns = [
            f'null::{sql_type(kind)} as "{name}"' if name in hidden else quoted([name])
            for name, kind in query.schema.items()
        ]
        rows = f"(select {', '.join(columns)} from {{rows}} as seen where {self._condition(tuple(query.schema))})"
        return replace(query, template=query.template.replace("{rows}", rows))

    def _hidden(self, table: str) -> set[str]:
        contract = TABLES.get(table)
        if self.sight.personal or contract is None:
            return set()
        return {name for name, column in contract.columns.items() if column.personal}

    def _condition(self, columns: Sequence[str]) -> str:
        """Return what rows meet that may be seen: by their customer, else their company, else the account manager."""
        if self.sight.managers is None:
            return "true"
        customers, companies = self._own
        for column, own in ((CUSTOMER, customers), (COMPANY, companies), (MANAGER, self.sight.managers)):
            if column in columns:
                return f'"{column}" in (select unnest([{_listed(own)}]::varchar[]))'
        return "true"

    @cached_property
    def _own(self) -> tuple[frozenset[str], frozenset[str]]:
        """The customers and companies of the account managers, as they are on the newest day."""
        query = ShownLake.file_query(self, CUSTOMERS, self.files(CUSTOMERS)[-1:])
        managers = _listed(self.sight.managers or ()).replace("{{", "{").replace("}}", "}")
        with cursor() as connection, self.naming_damage(lambda: query.files):
            rows = connection.execute(
                f"""select customer_id, company_id from ({query.sql})
                where assigned_am in (select unnest([{managers}]::varchar[]))"""
            ).fetchall()
        return frozenset(row[0] for row in rows), frozenset(row[1] for row in rows if row[1])


def seen(lake: Lake, sight: Sight) -> Lake:
    """Return a lake as somebody may see it, who is shown no more of experiments than others."""
    return SeenLake(lake.root, experiments=experiments_of_home(), sight=sight)


def _listed(ids: Iterable[str]) -> str:
    return ", ".join(text(id).replace("{", "{{").replace("}", "}}") for id in sorted(ids))
