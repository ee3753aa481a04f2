"""Making what health is made from again for a past day: by other rules, by today's code, with what is known today.

It is written into an overlay of the lake, never into the lake.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache

from gtm_platform.core.assets import TABLES as CORE
from gtm_platform.identity.assets import TABLES as IDENTITY
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.file_query import FileQuery, quoted
from gtm_platform.lake.overlay import Overlay
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy
from gtm_platform.sources.assets import SOURCES

FACTS = ("identity/people", "core/profile", "core/revenue", "core/activity", "core/support")
# Sections that decide nothing of what health is made from; that of health decides the engagement score only.
AFTER_FACTS = {
    *("health", "alerts", "quality", "hubspot", "sync", "automation", "limits"),
    *("market", "companies", "enrichment", "competition", "activity"),
}
BY_KEY = {table.key: table for table in (*IDENTITY, *CORE)}


@cache
def upstream() -> tuple[DailyTable, ...]:
    """Return the daily tables that health is made from, each after those that it is made from itself."""
    ordered: dict[str, DailyTable] = {}

    def visit(key: str) -> None:
        if key in BY_KEY and key not in ordered:
            for needed in BY_KEY[key].tables:
                visit(needed)
            ordered[key] = BY_KEY[key]

    for key in FACTS:
        visit(key)
    return tuple(ordered.values())


@cache
def source_tables() -> tuple[str, ...]:
    """Return the tables of sources behind health."""
    return tuple(sorted({key for table in upstream() for key in table.tables if contract_of(key).cadence}))


@cache
def cursor_fields() -> dict[str, str]:
    """Return the field that says when a record last changed, by the table of each source that has one."""
    return {
        source.table(stream): stream.cursor_field
        for source in SOURCES
        for stream in source.streams
        if stream.cursor_field
    }


def under(table: DailyTable, rules: Policy) -> DailyTable:
    """Return the table as it is made under other rules than those in force."""
    inputs = {name: (lambda: rules) if value is current_policy else value for name, value in table.inputs.items()}
    return replace(table, inputs=inputs)


def make_again(lake: Overlay, day: str, rules: Policy, tables: Sequence[DailyTable]) -> None:
    """Make tables of a day again, under some rules, into the overlay."""
    for table in tables:
        under(table, rules).write_day(lake, day)


def changes_facts(before: Policy, now: Policy) -> bool:
    """Whether rules differ that decide what health is made from, and not only what it makes of it."""
    differing = {name for name in Policy.model_fields if getattr(before, name) != getattr(now, name)}
    return bool(differing - AFTER_FACTS)


@dataclass(frozen=True)
class Hindsight(Overlay):
    """The lake of a past day with the changes of that time that were read later, until `known_on`.

    A version of a record that came later counts where its system says that it is of the day or before. Where a system
    does not say when a record changed, nothing came late.
    """

    known_on: str

    def query_as_of(self, table: str, until: str) -> FileQuery:
        """Return a query for the newest version of each record that is from before `until`, also if read later."""
        query = super().query_as_of(table, until)
        cursor, later = cursor_fields().get(table), self.later_files(table, until)
        if cursor is None or not later:
            return query
        contract = contract_of(table)
        key, columns = quoted(contract.key), quoted(contract.columns)
        template = f"""select {columns} from (
            select *, row_number() over (partition by {key} order by _window desc, _extracted_at desc) as _nth
            from {{rows}} where _window <= timestamptz '{until} 00:00:00+00'
            or "{cursor}" < timestamptz '{until} 00:00:00+00'
            ) where _nth = 1 and not _deleted"""
        return FileQuery(contract.schema, (*query.files, *later), template, table=table)

    def later_files(self, table: str, until: str) -> list[str]:
        """List the files that were read after the day, by the end of `known_on`."""
        end = (date.fromisoformat(self.known_on) + timedelta(days=1)).isoformat()
        return list(self.paths([file for file in self.files(table) if until <= file.partition < end]))
