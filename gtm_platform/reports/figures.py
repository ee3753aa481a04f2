"""The figures of a period: metrics by their definitions, and rows of the daily tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from gtm_platform.delivery.canaries.table import TABLE as CANARIES
from gtm_platform.delivery.hubspot.truth_table import TABLE as TRUTH
from gtm_platform.delivery.track_record import BACKTEST, PRECISION
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.lake import File, Lake
from gtm_platform.policy import Policy
from gtm_platform.quality.hook_days import TABLE as HOOK_DAYS
from gtm_platform.quality.odd_figures import ANOMALIES
from gtm_platform.reports.period import Period
from gtm_platform.serving.metrics import Metric, discover
from gtm_platform.serving.metrics.families.movements import movements
from gtm_platform.serving.metrics.metric import since
from gtm_platform.serving.metrics.values import metrics_query, rows_query
from gtm_platform.serving.snapshot.layout import COMPANIES, CUSTOMERS, TRANSITIONS

Row = Mapping[str, Any]
ByMember = dict[str, dict[str, float | None]]


class NothingToReport(LookupError):
    """The lake has no day of the period."""


@dataclass(frozen=True)
class Figures:
    """What a period came to on its last day, `day`, compared with the day `before`.

    That is the day before the period, or the first of the period's days where the lake begins later.
    """

    lake: Lake
    period: Period
    rules: Policy
    _measured: dict[tuple[str, ...], ByMember] = field(default_factory=dict)
    _queries: dict[tuple[str, str], str] = field(default_factory=dict)

    @cached_property
    def day(self) -> str:
        """The last day of the period that the lake has."""
        days = [day for day in self.lake.partitions(CUSTOMERS) if self.period.key <= day <= str(self.period.last)]
        if not days:
            raise NothingToReport(
                f"{CUSTOMERS} has no day from {self.period.first} to {self.period.last}: nothing is reported of them."
            )
        return max(days)

    @cached_property
    def before(self) -> str:
        """The day that the period is compared with; "" where the lake has but one."""
        days = [day for day in self.lake.partitions(CUSTOMERS) if self.period.day_before <= day < self.day]
        return min(days, default="")

    @property
    def is_complete(self) -> bool:
        """Whether the lake has the last day of the period."""
        return self.day == str(self.period.last)

    @property
    def currency(self) -> str:
        """The reporting currency."""
        return self.rules.money.reporting_currency

    def days(self, count: int, step: int = 1) -> list[str]:
        """Return the last so many days of the lake up to `day`, each `step` days before the next, the oldest first."""
        last, present = date.fromisoformat(self.day), set(self.lake.partitions(CUSTOMERS))
        past = [(last - timedelta(days=step * ago)).isoformat() for ago in range(count)]
        return [day for day in reversed(past) if day in present]

    # --- metrics -----------------------------------------------------------------------------------------------------

    def value(self, name: str, day: str | None = None, where: str = "") -> float | None:
        """Return a metric on a day; `where` narrows what it is computed over in SQL."""
        return self.by(name, "", day, where).get("")

    def by(self, name: str, dimension: str, day: str | None = None, where: str = "") -> dict[str, float | None]:
        """Return a metric by the members of a dimension; "" are those without a value in it."""
        metrics = [metric for metric in discover().values() if metric.over is discover()[name].over]
        return self._values(metrics, name, dimension, self.day if day is None else day, where)

    def change(self, name: str) -> float | None:
        """Return by how much a metric changed since the day before the period."""
        now, then = self.value(name), self.value(name, self.before) if self.before else None
        return None if now is None or then is None else now - then

    def movement(self, name: str) -> float | None:
        """Return a movement over the period, such as new_mrr; None where there is no day to compare with."""
        return self.movement_by(name, "").get("")

    def movement_by(self, name: str, dimension: str) -> dict[str, float | None]:
        """Return a movement over the period by the members of a dimension."""
        if not self.before:
            return {}
        days = (date.fromisoformat(self.day) - date.fromisoformat(self.before)).days
        return self._values(movements(days, since(days)), f"{name}_{days}d", dimension, self.day)

    def _values(
        self, metrics: Sequence[Metric], name: str, dimension: str, day: str, where: str = ""
    ) -> dict[str, float | None]:
        key = (metrics[0].over.name, dimension, day, where)
        if key not in self._measured:
            self._measured[key] = self._measure(metrics, dimension, day, where)
        return {member: values[name] for member, values in self._measured[key].items()}

    def _measure(self, metrics: Sequence[Metric], dimension: str, day: str, where: str) -> ByMember:
        over = metrics[0].over
        rows = rows_query(self.lake, over, day)
        if rows is None:
            return {}
        query = self._queries.setdefault((over.name, dimension), "") or metrics_query(metrics, dimension)
        self._queries[over.name, dimension] = query
        narrowed = f"select * from ({rows}) where {where}" if where else rows
        with cursor() as connection:
            measured = connection.execute(f"with population as ({narrowed}) {query}").fetchall()
        names = [metric.name for metric in metrics]
        return {
            member or "": {name: _number(value) for name, value in zip(names, values, strict=True)}
            for member, *values in measured
        }

    # --- rows --------------------------------------------------------------------------------------------------------

    def rows(self, query: str) -> list[Row]:
        """Return the rows of a query over `now` and `before`: the wide table on the day, and on that compared with."""
        now = self.lake.query_day(CUSTOMERS, self.day).sql
        before = self.lake.query_day(CUSTOMERS, self.before).sql if self.before else f"select * from ({now}) limit 0"
        with cursor() as connection:
            result = connection.execute(f"with now as ({now}), before as ({before}) {query}")
            names = [column[0] for column in result.description or []]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def rows_of(self, table: str, query: str) -> list[Row]:
        """Return the rows of a query over `days`: what a daily table has of the period's days up to the last."""
        return self._rows_of(table, self._files_of(table), query)

    def newest_rows_of(self, table: str, query: str) -> list[Row]:
        """Return the rows of a query over `days`: the newest partition that a table has up to the last day."""
        return self._rows_of(table, self._newest_file_of(table), query)

    def _files_of(self, table: str) -> list[File]:
        return [file for file in self.lake.files(table) if self.period.day_before < file.partition <= self.day]

    def _newest_file_of(self, table: str) -> list[File]:
        return [file for file in self.lake.files(table) if file.partition <= self.day][-1:]

    def _rows_of(self, table: str, files: Sequence[File], query: str) -> list[Row]:
        with cursor() as connection:
            result = connection.execute(f"with days as ({self.lake.file_query(table, files).sql}) {query}")
            names = [column[0] for column in result.description or []]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    @property
    def stamps(self) -> dict[str, str]:
        """The files of customers that the report is made of, by day."""
        days = {self.day, self.before} - {""}
        return {file.partition: file.stamp for file in self.lake.files(CUSTOMERS) if file.partition in days}

    @property
    def stamps_of_companies(self) -> dict[str, str]:
        """The files of companies that the report may be made of, by table and day."""
        days = {self.day, self.before} - {""}
        return {
            f"{table} {file.partition}": file.stamp
            for table in (COMPANIES, TRANSITIONS)
            for file in self.lake.files(table)
            if file.partition in days or self.period.key <= file.partition <= self.day
        }

    @property
    def stamps_of_trust(self) -> dict[str, str]:
        """The files of the back-test, alerts, odd figures, HubSpot's truth, webhooks, canaries that it is made of."""
        tables = (PRECISION, ANOMALIES, TRUTH, HOOK_DAYS.key, CANARIES)
        files = {table: self._files_of(table) for table in tables}
        files[BACKTEST] = self._newest_file_of(BACKTEST)
        return {f"{table} {file.partition}": file.stamp for table, of_table in files.items() for file in of_table}


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
