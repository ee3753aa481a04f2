"""A check of a table as a value: a rule that returns the rows that are wrong on a day. None of them names a person.

A check looks at every recent day of its table, so that it says which days are bad, and a later good day covers nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Literal

import ibis

from gtm_platform.lake.contract_check import check_file
from gtm_platform.lake.contracts import ContractBroken, contract_of
from gtm_platform.lake.daily_table import DailyTable, Input, arguments, queries_of, source_of
from gtm_platform.lake.day_in_part import made_otherwise
from gtm_platform.lake.duckdb_engine import cursor, engine
from gtm_platform.lake.lake import DamagedFile, Lake
from gtm_platform.lake.made_from import note_of, stored_day
from gtm_platform.lake.statements import is_reusable, statement_of
from gtm_platform.policy import policy

RECENT_DAYS = 14
SHOWN = 20  # rows of a day

Severity = Literal["ERROR", "WARN"]
Reads = tuple[Iterable[str], Iterable[str]]  # names of queries, and paths of files


@dataclass(frozen=True)
class Verdict:
    """What is wrong on a day: how many rows, some of them, and a sentence where it is no matter of rows.

    It is `lasting` unless a file could not be read, which may be otherwise the next time.
    """

    count: int = 0
    rows: tuple[Mapping[str, str], ...] = ()
    reason: str = ""
    lasting: bool = True

    @property
    def passed(self) -> bool:
        return not self.count and not self.reason


@dataclass(frozen=True)
class DayCheck:
    """A check of the daily table `table`. The rule's arguments are its inputs, as those of a daily table."""

    table: str
    name: str
    about: str
    inputs: Mapping[str, Input]
    rule: Callable[..., ibis.Table]
    severity: Severity = "ERROR"
    days: int = RECENT_DAYS

    def verdict(self, lake: Lake, day: str) -> Verdict:
        """Look at one day."""
        try:
            return _rows_wrong(self._query(arguments(lake, self.inputs, self.rule, day)))
        except DamagedFile as damage:
            return Verdict(reason=str(damage), lasting=False)

    def _query(self, values: Mapping[str, Any]) -> str:
        if is_reusable(self.rule):
            return statement_of(self.rule, values).query.sql
        return str(engine().compile(self.rule(**values)))

    def version(self) -> str:
        """Identify the rule and the values that it goes by."""
        values = [repr(value()) for value in self.inputs.values() if callable(value)]
        return "\n".join([source_of(self.rule), self.rule.__qualname__, *values])

    def reads(self, lake: Lake, day: str) -> Reads:
        """List what a look at the day asks for, and the files that it reads."""
        queries = [query for value in self.inputs.values() for query in queries_of(lake, value, day)]
        return [query.name for query in queries], [path for query in queries for path in query.files]


@dataclass(frozen=True)
class ContractCheck:
    """Whether the stored days of a daily table are what its contract promises, read again."""

    of: DailyTable
    name: str = "contract"
    severity: Severity = "ERROR"
    days: int = RECENT_DAYS
    about: str = field(default="Each recent day can be read and keeps the contract: no nulls, rules kept, keys unique.")

    @property
    def table(self) -> str:
        return self.of.key

    def verdict(self, lake: Lake, day: str) -> Verdict:
        """Look at one day."""
        try:
            lake.verify(self.table, day)
        except ContractBroken as broken:
            return Verdict(reason=str(broken))
        except DamagedFile as damage:
            return Verdict(reason=str(damage), lasting=False)
        return Verdict()

    def version(self) -> str:
        """Identify the contract, and how it is checked."""
        contract = contract_of(self.table)
        return "\n".join([contract.measured(""), repr(contract.key), source_of(check_file)])

    def reads(self, lake: Lake, day: str) -> Reads:
        """List what a look at the day asks for, and the files that it reads."""
        return [], lake.query_day(self.table, day).files


@dataclass(frozen=True)
class PartCheck:
    """Whether days of which only some customers' rows were made are what the rules come to for everybody.

    It asks them about some customers, whoever they are: others on each day, and after each writing.
    """

    of: DailyTable
    name: str = "as_computed_whole"
    severity: Severity = "ERROR"
    days: int = RECENT_DAYS
    about: str = field(
        default="Where the rows of touched customers only were made again, those of some others are the rules', too."
    )

    @property
    def table(self) -> str:
        return self.of.key

    def verdict(self, lake: Lake, day: str) -> Verdict:
        """Look at one day."""
        stored = stored_day(lake, self.table, day)
        if stored is None or not stored.in_part:
            return Verdict()
        now = self.of.made_from(lake, day)
        if now is None or now.hash != stored.hash:  # more has landed since: the next run makes it again
            return Verdict(lasting=False)
        stored = replace(stored, made_from=now)  # the same files, by the names that they have under another key, too
        try:
            wrong = self.of.customers_made_otherwise(lake, stored, policy().automation.in_part_checked)
        except DamagedFile as damage:
            return Verdict(reason=str(damage), lasting=False)
        if not wrong:
            return Verdict()
        command = f"gtm run {self.table} --partition {day}"
        reason = f"{wrong:,} customers' rows are not what the rules come to; make the whole day again with: {command}"
        return Verdict(wrong, reason=reason)

    def version(self) -> str:
        """Identify the rule, and how it is checked."""
        return "\n".join([source_of(self.of.rule), source_of(made_otherwise)])

    def reads(self, lake: Lake, day: str) -> Reads:
        """List what a look at the day asks for, and the files that it reads."""
        note = note_of(lake, self.table, day)
        return [], [*lake.query_day(self.table, day).files, *([str(note)] if note.exists() else [])]


Check = DayCheck | ContractCheck | PartCheck


def checks_of(table: DailyTable) -> list[Check]:
    """Return what is checked of every daily table."""
    return [ContractCheck(table), PartCheck(table)] if table.is_local else [ContractCheck(table)]


def days_to_check(lake: Lake, check: Check, of_run: Iterable[str]) -> list[str]:
    """List the newest days of the table, and those of the run however old they are."""
    stored = lake.partitions(check.table)
    if not stored:
        return []
    oldest = (date.fromisoformat(stored[-1]) - timedelta(days=check.days - 1)).isoformat()
    run_days = set(of_run)
    return [day for day in stored if day >= oldest or day in run_days]


def _rows_wrong(query: str) -> Verdict:
    with cursor() as connection:
        result: Any = connection.execute(query)
        names = [column[0] for column in result.description]
        rows = result.fetchall()
    shown = tuple(dict(zip(names, map(str, row), strict=True)) for row in sorted(rows, key=str)[:SHOWN])
    return Verdict(len(rows), shown)
