"""A daily table as a value: its key, its contract, what it is made from, and the rule, a pure function of tables."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

import ibis

from gtm_platform.http.redaction import redact_exceptions
from gtm_platform.lake import spark_engine
from gtm_platform.lake.column_lineage import column_lineage
from gtm_platform.lake.contract_check import Written, check_files
from gtm_platform.lake.contracts import Contract, contract_of, declare
from gtm_platform.lake.day_in_part import is_as_stored, made_otherwise, written_in_part
from gtm_platform.lake.duckdb_engine import paths_of, rows_in
from gtm_platform.lake.file_query import FileQuery
from gtm_platform.lake.frames import Frame
from gtm_platform.lake.lake import File, Lake
from gtm_platform.lake.made_from import MadeFrom, StoredDay, described, made_from, remember, stored_day
from gtm_platform.lake.owners import Owners
from gtm_platform.lake.some_customers import SomeCustomers
from gtm_platform.lake.statements import RuleStatement, is_reusable, statement_of
from gtm_platform.lake.touched import Locality
from gtm_platform.settings import settings

Rule = Callable[..., "ibis.Table | Frame"]


@dataclass(frozen=True)
class DaysAgo:
    """A daily table as it was some days before; empty where there was none."""

    table: str
    days: int


@dataclass(frozen=True)
class PreviousDay:
    """A daily table on the newest day before that it has; empty where there is none."""

    table: str


@dataclass(frozen=True)
class EarlierDays:
    """A daily table on each of some days before; its rows say which day they are of."""

    table: str
    days: int


class SyncTimes:
    """When each source table was last synced, by the end of the day."""


@dataclass(frozen=True)
class Prepared:
    """Tables by name that a function makes of the lake for a day, and takes away once the day is written.

    It is for what is no table of the lake: days made again in another way, for comparison. `files` names all files that
    they may be made of, where they are made of nothing else.
    """

    make: Callable[[Lake, str], AbstractContextManager[Mapping[str, ibis.Table]]]
    files: Callable[[Lake], Sequence[str]] | None = None


class UpstreamMissing(RuntimeError):
    """A table of the day is missing, though earlier days exist: what reads it would be made from nothing."""


Input = str | DaysAgo | PreviousDay | EarlierDays | SyncTimes | Prepared | Mapping[str, str] | Callable[[], Any]


@dataclass(frozen=True)
class DailyTable:
    """A table with one partition a day, computed by `rule` from its `inputs`.

    An input is named as the rule's argument and is a table (a source table as of the end of the day, a daily table on
    the day), several tables by name (a mapping), a table some `DaysAgo`, on the `PreviousDay` or on all `EarlierDays`,
    the `SyncTimes`, tables that are `Prepared` for it, or a value that is asked for when the run begins. The argument
    `day`, where the rule has one, is the day.
    The rule returns an expression, which either engine computes, or a pandas or Arrow table, which it computed itself.
    An `eager` rule reads rows while it is called, so that what it returns serves this one day; some do with certain
    arguments only, by a function of them.
    Of an `append_only` table a day that has a later one stays as it was written.
    Its asset is in the `group`, by default in the one that the key begins with.
    Only a table that `has_canaries` reads and holds them; all others are made as if there were none.
    A table with a row per customer may be computed for some of them, when records of theirs have changed. `per` says of
    what: of the `customer`'s own rows, given who is who; or of the `population`, all customers' rows, of which some are
    wanted. One with rows of a `company` may be computed for some companies, of their rows and those of their people;
    its columns `judged_by_all` compare a company with all others. `owners` say whose the changed rows of source tables
    are, and of tables without customers; of source tables in `whether_any` only counts whether they have rows. What the
    hot path leaves alone may still be made `in_part` where a day is made again: its rows are of their customers alone,
    but for the inputs that are read `whole`.
    """

    key: str
    contract: Contract
    inputs: Mapping[str, Input]
    rule: Rule
    eager: bool | Callable[[Mapping[str, Any]], bool] = False
    append_only: bool = False
    group: str = ""
    has_canaries: bool = False
    per: Literal["", "customer", "population", "company"] = ""
    judged_by_all: tuple[str, ...] = ()
    owners: Owners = field(default_factory=dict)
    whether_any: tuple[str, ...] = ()
    in_part: bool = False
    whole: tuple[str, ...] = ()  # names of inputs

    def __post_init__(self) -> None:
        arguments = set(inspect.signature(self.rule).parameters) - {"day"}
        if arguments != set(self.inputs):
            raise TypeError(f"{self.key}: the rule's arguments {sorted(arguments)} differ from {sorted(self.inputs)}")
        declare(self.key, self.contract)

    @property
    def tables(self) -> list[str]:
        """The tables that are read as of the day itself."""
        several = [table for value in self.inputs.values() if isinstance(value, Mapping) for table in value.values()]
        return [value for value in self.inputs.values() if isinstance(value, str)] + several

    @property
    def earlier_days(self) -> list[DaysAgo | PreviousDay | EarlierDays]:
        """The daily tables that are read as they were before the day."""
        return [value for value in self.inputs.values() if isinstance(value, DaysAgo | PreviousDay | EarlierDays)]

    @property
    def reads_policy(self) -> bool:
        """Whether the rule follows the business rules: the only inputs that are no tables."""
        return any(callable(value) for value in self.inputs.values())

    @redact_exceptions()
    def write_day(self, lake: Lake, day: str, *, anew: bool = True) -> Written | None:
        """Compute and write one day; None where no input has data by then.

        Not `anew` leaves a stored day whose inputs are what they were, and a file that has the same rows.
        """
        if not any(lake.has_data_by(table, day) for table in self.tables):
            return None
        if missing := [table for table in self.tables if _is_missing(lake, table, day)]:
            raise UpstreamMissing(
                f"{self.key} is not made for {day}: {' and '.join(missing)} of that day is missing, though earlier "
                f"days exist. See why its run failed, or make it with: gtm run {missing[0]} --partition {day}"
            )
        if self.append_only and (closed := _followed_file(lake, self.key, day)):
            return check_files(f"{self.key} {day}", self.contract, list(map(Path, lake.paths([closed]))))
        now = self.made_from(lake, day)
        written = self._from_stored(lake, day, now) if now and not anew else None
        if written is None:
            written = self._compute(lake, day, unless_same=not anew)
            if now:
                remember(lake, self.key, day, now, written)
        return self._without_canaries(lake, day, written) if self.has_canaries else written

    def made_from(self, lake: Lake, day: str) -> MadeFrom | None:
        """Return what the day's rows follow from; None where that is not known before they are made."""
        prepared = {name: value for name, value in self.inputs.items() if isinstance(value, Prepared)}
        if not is_reusable(self.rule) or not all(value.files for value in prepared.values()):
            return None
        source, read = self._source(lake), {name: each for name, each in self.inputs.items() if name not in prepared}
        queries = {name: queries_of(source, value, day) for name, value in read.items()}
        values = {name: value() for name, value in read.items() if callable(value)}
        values |= {name: value.files(lake) for name, value in prepared.items() if value.files}
        return made_from(self.rule, self.contract, queries, values | {"day": day, "engine": settings().gtm_engine})

    def _from_stored(self, lake: Lake, day: str, now: MadeFrom) -> Written | None:
        """Return the stored day where it is what the rules come to, or is once some rows of it are made again."""
        stored = stored_day(lake, self.key, day)
        if stored is None:
            return None
        if stored.hash == now.hash:
            return described(lake, self.key, day, stored)
        source, local = self._source(lake), self.is_local and settings().gtm_engine == "duckdb"
        if local:
            locality = Locality(self.owners, self.whether_any, self.whole)
            written = written_in_part(lake, source, self.key, stored, now, locality, self.statement)
        else:
            written = described(lake, self.key, day, stored) if is_as_stored(source, stored, now) else None
        if written:
            remember(lake, self.key, day, now, written, stored)
        return written

    @property
    def is_local(self) -> bool:
        """Whether the rows of some customers can be made again while those of the others are kept."""
        return (self.in_part or self.per == "customer") and not self.eager and is_reusable(self.rule)

    def statement(self, lake: Lake, day: str) -> RuleStatement:
        """Return the query of a day's rows, of a rule that is no more than a query."""
        source = self._source(lake)
        values = arguments(source, self.inputs, self.rule, day)
        if isinstance(source, SomeCustomers):
            values |= {name: _read(source.of_everybody(), self.inputs[name], day) for name in self.whole}
        return statement_of(self.rule, values, self.contract.shaped)

    def customers_made_otherwise(self, lake: Lake, stored: StoredDay, most: int) -> int:
        """Count of some customers of a stored day those whose rows are not what the rule comes to."""
        return made_otherwise(self._source(lake), self.key, stored, self.statement, most)

    def _compute(self, lake: Lake, day: str, *, unless_same: bool = False) -> Written:
        with ExitStack() as stack:
            prepared = {
                name: stack.enter_context(value.make(lake, day))
                for name, value in self.inputs.items()
                if isinstance(value, Prepared)
            }
            read = {name: value for name, value in self.inputs.items() if name not in prepared}
            values = arguments(self._source(lake), read, self.rule, day) | prepared
            return self._write(lake, day, values, unless_same)

    def _source(self, lake: Lake) -> Lake:
        """Return the lake as the table's inputs are read."""
        return lake.reading("included") if self.has_canaries else lake

    def _without_canaries(self, lake: Lake, day: str, written: Written) -> Written:
        """Count what people are shown of a day: no canary is in a figure."""
        canaries = rows_in(lake.reading("only").query_day(self.key, day))
        if not canaries:
            return written
        shown = lake.partition(self.key, day)
        measures = {name: figure(shown) for name, figure in self.contract.figures.items()}
        [figures] = shown.aggregate(**measures).to_pyarrow().to_pylist() if measures else [{}]
        return replace(written, rows=written.rows - canaries, figures=figures)

    def _write(self, lake: Lake, day: str, values: Mapping[str, Any], unless_same: bool) -> Written:
        write = partial(lake.write, self.key, day, unless_same=unless_same)
        eager = self.eager(values) if callable(self.eager) else self.eager
        if not eager and is_reusable(self.rule) and settings().gtm_engine == "duckdb":
            statement = statement_of(self.rule, values, self.contract.shaped)
            return replace(write(statement.query), lineage=statement.lineage, reads=statement.reads)
        rows = self.rule(**values)
        if not isinstance(rows, ibis.Table):
            return write(rows)
        rows = self.contract.shaped(rows)
        if settings().gtm_engine == "duckdb":
            written = write(rows)
        else:
            with lake.naming_damage(lambda: paths_of(rows)):
                written = spark_engine.written(lake, self.key, day, rows, unless_same=unless_same)
        return replace(written, lineage=column_lineage(rows))


def _followed_file(lake: Lake, table: str, day: str) -> File | None:
    """Return the file of a day that has a later one; None where the day is the newest, or has none."""
    files = lake.files(table)
    is_followed = any(file.partition > day for file in files)
    return next((file for file in files if file.partition == day and is_followed), None)


def arguments(lake: Lake, inputs: Mapping[str, Input], rule: Rule, day: str) -> dict[str, Any]:
    """Return what a rule is called with on a day: its inputs, and the day itself where it takes one."""
    values = {name: _read(lake, value, day) for name, value in inputs.items()}
    if "day" in inspect.signature(rule).parameters:
        values["day"] = date.fromisoformat(day)
    return values


def _is_missing(lake: Lake, table: str, day: str) -> bool:
    """Whether a daily table lacks the day but not the days before; if its sources are off, it has neither."""
    if contract_of(table).cadence is not None:
        return False
    made = lake.partitions(table)
    return day not in made and any(before < day for before in made)


def _read(lake: Lake, value: Input, day: str) -> Any:
    if callable(value):
        return value()
    tables = [lake.rows(query) for query in queries_of(lake, value, day)]
    return dict(zip(value, tables, strict=True)) if isinstance(value, Mapping) else tables[0]


def queries_of(lake: Lake, value: Input, day: str) -> list[FileQuery]:
    """Return what is read of the lake for an input: of several tables a query each, in their order."""
    if isinstance(value, DaysAgo):
        return [lake.query_day(value.table, (date.fromisoformat(day) - timedelta(days=value.days)).isoformat())]
    if isinstance(value, PreviousDay):
        earlier = max((made for made in lake.partitions(value.table) if made < day), default="")
        return [lake.query_day(value.table, earlier)]
    if isinstance(value, EarlierDays):
        first = (date.fromisoformat(day) - timedelta(days=value.days)).isoformat()
        return [
            lake.file_query(value.table, [file for file in lake.files(value.table) if first <= file.partition < day])
        ]
    if isinstance(value, SyncTimes):
        return [lake.query_synced(day)]
    if isinstance(value, Mapping):
        return [lake.query_day(table, day) for table in value.values()]
    return [lake.query_day(value, day)] if isinstance(value, str) else []


def source_of(rule: Callable[..., Any]) -> str:
    """Return the text of the module that a function stands in."""
    try:
        return inspect.getsource(inspect.getmodule(rule) or rule)
    except (OSError, TypeError):  # a rule that was typed into a console has no file
        return str(rule.__qualname__)
