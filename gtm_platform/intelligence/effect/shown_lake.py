"""The lake as people are shown it: without the treatment of the customers from whom an experiment withholds it.

Whatever is delivered, served or reported is read through it, so that nothing has to know of experiments by itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

from gtm_platform.intelligence.effect.experiments import WITHHELD, Experiment, experiments_of_home
from gtm_platform.intelligence.effect.holdout import TABLE as HOLDOUT
from gtm_platform.intelligence.effect.treatments import COMPANY, CUSTOMER, Hidden, alerts_of, hidden_in
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.file_query import FileQuery, quoted, text
from gtm_platform.lake.lake import File, Lake

FOREVER = date.max
IsWithheld = Callable[[str, str], bool]  # of a kind of alert and a customer


class WithholdingUnknown(RuntimeError):
    """Nobody knows from whom an experiment withholds on a day; nothing is shown before that is known."""


@dataclass(frozen=True)
class Span:
    """An experiment's days, its treatments, and from whom it withholds them."""

    name: str
    first: date
    last: date
    withholds: tuple[str, ...]
    customers: frozenset[str]
    companies: frozenset[str]  # of these customers

    def covers(self, day: str) -> bool:
        """Whether the experiment runs on a day."""
        return str(self.first) <= day <= str(self.last)


@dataclass(frozen=True)
class ShownLake(Lake):
    """A lake whose daily tables lack the treatment where an experiment withholds it."""

    experiments: tuple[Experiment, ...] = field(default=(), kw_only=True)

    def file_query(self, table: str, files: Sequence[File], template: str = "select * from {rows}") -> FileQuery:
        """Return a query over some files of a table, as people are shown them."""
        query = super().file_query(table, files, template)
        days = [file.partition[:10] for file in files]
        for hidden, span in self._hiding(table, days):
            rows = _without(hidden, span, tuple(query.schema))
            query = replace(query, template=query.template.replace("{rows}", f"({rows})"))
        return query

    def _hiding(self, table: str, days: Sequence[str]) -> list[tuple[Hidden, Span]]:
        """Return what experiments hide in some days of a table: by the days of its rows, else by those of its files."""
        if not days or not any(hidden_in(table, each.terms.withholds) for each in self.experiments):
            return []
        parts = [(hidden, span) for span in self._spans if (hidden := hidden_in(table, span.withholds))]
        for _, span in parts:
            self._require_drawn(span, days)
        return [(hidden, span) for hidden, span in parts if hidden.day or any(map(span.covers, days))]

    def is_withheld(self, day: str) -> IsWithheld:
        """Return what tells whether an alert about a customer is withheld on a day."""
        spans = [(span.customers, alerts_of(span.withholds)) for span in self._running(day)]
        return lambda kind, customer: any(kind in kinds and customer in customers for customers, kinds in spans)

    def version_of(self, day: str) -> str:
        """Return what of a day is withheld, as a text that changes with it: who was drawn is never drawn again."""
        return " ".join(span.name for span in self._running(day))

    def _running(self, day: str) -> list[Span]:
        spans = [span for span in self._spans if span.covers(day)]
        for span in spans:
            self._require_drawn(span, [day])
        return spans

    def _require_drawn(self, span: Span, days: Sequence[str]) -> None:
        """Raise where the experiment runs on a day that is later than any of which it is known who is withheld."""
        newest = max(days)
        drawn = max(self.partitions(HOLDOUT.key), default="")
        if newest >= str(span.first) and drawn < min(newest, str(span.last)):
            raise WithholdingUnknown(
                f"{HOLDOUT.key} has no {newest}, so that nobody knows from whom {span.name} withholds. Make it with: "
                f"gtm run {HOLDOUT.key} --partition {newest}"
            )

    @cached_property
    def _spans(self) -> list[Span]:
        rows = self._withheld()
        spans = []
        for each in self.experiments:
            of_experiment = [row for row in rows if row[0] == each.name]
            ends = [day for day in (each.ends_on(), *(row[3] for row in of_experiment[:1])) if day]
            last = min(ends, default=FOREVER)
            if each.begun(last):
                customers = frozenset(row[1] for row in of_experiment)
                companies = frozenset(row[2] for row in of_experiment if row[2])
                spans.append(Span(each.name, each.starts_on, last, each.terms.withholds, customers, companies))
        return spans

    def _withheld(self) -> list[tuple[Any, ...]]:
        """Return [experiment, customer, company, last day] of everybody who was drawn to be withheld."""
        query = super().file_query(HOLDOUT.key, self.files(HOLDOUT.key)[-1:])
        with cursor() as connection, self.naming_damage(lambda: query.files):
            return connection.execute(
                f"""select experiment, customer_id, company_id, ends_on from ({query.sql})
                where "group" = {text(WITHHELD)}"""
            ).fetchall()


def shown(lake: Lake) -> Lake:
    """Return a lake as people are shown it."""
    experiments = experiments_of_home()
    return ShownLake(lake.root, experiments=experiments) if experiments else lake


def experiments_in(lake: Lake) -> tuple[Experiment, ...]:
    """Return the experiments that were registered, of a lake as people are shown it."""
    return lake.experiments if isinstance(lake, ShownLake) else ()


def nothing_withheld(kind: str, customer: str) -> bool:  # noqa: ARG001
    """Tell that no alert is withheld, as without an experiment."""
    return False


def withheld_alerts(lake: Lake, day: str) -> IsWithheld:
    """Return what tells whether an alert about a customer is withheld on a day."""
    return lake.is_withheld(day) if isinstance(lake, ShownLake) else nothing_withheld


def withheld_version(lake: Lake, day: str) -> str:
    """Return what of a day is withheld, as a text that changes with it; "" for nothing."""
    return lake.version_of(day) if isinstance(lake, ShownLake) else ""


def _without(hidden: Hidden, span: Span, columns: Sequence[str]) -> str:
    """Return a query for the rows of a table without what an experiment hides; `{rows}` in it are all of them."""
    subjects = {CUSTOMER: span.customers, COMPANY: span.companies}[hidden.subject]
    listed = ", ".join(text(id).replace("{", "{{").replace("}", "}}") for id in sorted(subjects))
    during = f" and shown.\"{hidden.day}\" between date '{span.first}' and date '{span.last}'" if hidden.day else ""
    joined = f"""from {{rows}} as shown left join (select unnest([{listed}]::varchar[]) as subject) as withheld
        on shown."{hidden.subject}" = withheld.subject{during}"""
    if not hidden.columns:
        return f"select {_of_shown(columns)} {joined} where withheld.subject is null"
    kept = [
        f'case when withheld.subject is null then shown."{name}" end as "{name}"'
        if name in hidden.columns
        else f'shown."{name}"'
        for name in columns
    ]
    return f"select {', '.join(kept)} {joined}"


def _of_shown(columns: Sequence[str]) -> str:
    return ", ".join(f"shown.{quoted([name])}" for name in columns)
