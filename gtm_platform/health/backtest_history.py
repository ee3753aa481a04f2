"""What the lake has of the past for a back-test: who paid on the first day of each month and left afterwards, when each
churn was, and what health said on the days before it.

Everything is asked of the lake's own files at once, over all days. The days need not be complete: who pays on one and
no more on the next that there is has churned on that one.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from gtm_platform.health.customer_health import COMPONENTS, NOT_AT_RISK, OVERRIDES
from gtm_platform.health.customer_health import TABLE as HEALTH
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.encrypted_files import rows_of_files
from gtm_platform.lake.file_query import quoted, sql_type
from gtm_platform.lake.lake import Lake

HORIZON = 90  # days within which somebody churns, or is flagged before
GONE_FOR = 30  # days without MRR after which somebody has churned
LEAVING = "leaving"

SCORES = (
    *("health_score", "churn_risk", "health_status", "policy_hash"),
    *(f"{name}_score" for name in COMPONENTS),
    *(f"override_{name}" for name in OVERRIDES),
)
FACTS = {
    "core/profile": ("customer_status",),
    "core/revenue": ("failed_payments_30d", "is_delinquent", "subscription_status"),
    "core/activity": ("days_since_seen", "logins_7d", "logins_14d", "logins_14d_before", "logins_30d"),
    "core/support": ("open_critical_tickets", "csat_avg_90d", "sentiment_90d", "conversations_90d"),
    HEALTH.key: ("health_score", "health_status", "score_change_30d", "policy_hash"),
}


@dataclass(frozen=True)
class Churn:
    """A customer who paid and then did not for 30 days, and what health said in the 90 days before."""

    customer_id: str
    day: date
    policy_hash: str | None  # of the last day with health before
    first_flagged: date | None
    status_before: str | None
    score_before: int | None

    @property
    def days_ahead(self) -> int | None:
        """How many days before the churn the customer was at risk for the first time; None if it never was."""
        return None if self.first_flagged is None else (self.day - self.first_flagged).days

    @property
    def was_green(self) -> bool:
        """Whether the customer did not count as at risk on the last day before."""
        return self.status_before in NOT_AT_RISK


class NoHistory(LookupError):
    """The lake does not reach back far enough for a back-test; the message says how far it does."""


class History:
    """The past of a lake, as tables of a connection of its own."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, lake: Lake, until: date = date.max) -> None:
        self._connection = connection
        self._lake = lake
        self._until = until
        days = [day for day in map(date.fromisoformat, lake.partitions(HEALTH.key)) if day <= until]
        if not days or days[-1] - days[0] < timedelta(days=HORIZON):
            reach = f"from {days[0]} to {days[-1]}" if days else "over no day"
            raise NoHistory(f"Health reaches {reach}; a back-test needs more than {HORIZON} days of it.")
        self.days = days
        self._prepare()

    @property
    def month_starts(self) -> list[date]:
        """The first day that there is of each month whose 90 days are over."""
        starts = {(day.year, day.month): day for day in reversed(self.days)}
        return sorted(day for day in starts.values() if day <= self.days[-1] - timedelta(days=HORIZON))

    def cases(self) -> pa.Table:
        """Return a row for who paid on the first day of a month: what health said, and whether they churned."""
        return self._arrow(
            f"""
            select customer_id, day, {quoted(SCORES)}, scheduled, exists (
                select 1 from churns where churns.customer_id = asked.customer_id
                and churns.day > asked.day and churns.day <= asked.day + {HORIZON}
            ) as churned
            from paying as asked
            join scores using (customer_id, day)
            left join (select customer_id, day, bool_and(customer_status = '{LEAVING}') as scheduled
                from profile group by all) using (customer_id, day)
            where list_contains(?, day) and health_score is not null
            order by day, customer_id""",
            self.month_starts,
        )

    def churns(self) -> list[Churn]:
        """Return every churn before which the lake has 90 days."""
        rows = self._arrow(
            f"""
            select churns.customer_id, churns.day,
                arg_max(policy_hash, scores.day) as policy_hash,
                min(scores.day) filter (health_status not in {NOT_AT_RISK}) as first_flagged,
                arg_max(health_status, scores.day) as status_before,
                arg_max(health_score, scores.day) as score_before
            from churns left join scores on scores.customer_id = churns.customer_id
                and scores.day < churns.day and scores.day >= churns.day - {HORIZON}
            where churns.day >= ?::date + {HORIZON}
            group by all order by day, customer_id""",
            self.days[0],
        ).to_pylist()
        return [Churn(**row) for row in rows]

    def churn_days(self) -> dict[str, list[date]]:
        """Return the days on which each customer churned."""
        days: dict[str, list[date]] = {}
        for row in self._arrow("select customer_id, day from churns order by day").to_pylist():
            days.setdefault(row["customer_id"], []).append(row["day"])
        return days

    def outcomes(self, table: str, columns: Sequence[str], days: Sequence[date]) -> pa.Table:
        """Return columns of who is `in_scope` in a table on some days; `churned`, `churned_on` within the horizon."""
        names = ("in_scope", *columns)
        self._create_merged("of_days", table, names, "select * from {rows} where in_scope", days)
        return self._arrow(
            f"""with ended as (
                select of_days.customer_id, of_days.day, min(churns.day) as churned_on from of_days join churns
                on churns.customer_id = of_days.customer_id
                and churns.day > of_days.day and churns.day <= of_days.day + {HORIZON} group by all
            )
            select customer_id, day, churned_on is not null as churned, churned_on, {quoted(columns)}
            from of_days semi join paying using (customer_id, day) left join ended using (customer_id, day)
            order by day, customer_id"""
        )

    def firings(self, conditions: Sequence[str], churns: Sequence[Churn]) -> Iterator[dict[str, Any]]:
        """Yield for each of some churns on which day before it each condition held for the first time: `rule_0` …"""
        self._prepare_facts()
        firsts = ", ".join(f"min(f.day) filter ({text}) as rule_{place}" for place, text in enumerate(conditions))
        self._connection.register(
            "missed", pa.table({"c": [c.customer_id for c in churns], "d": [c.day for c in churns]})
        )
        yield from self._arrow(
            f"""select c as customer_id, d as day, {firsts} from missed
            left join facts as f on f.customer_id = c and f.day < d and f.day >= d - {HORIZON} group by all"""
        ).to_pylist()

    def alarms(self, conditions: Sequence[str]) -> dict[str, int]:
        """Count for each condition the customers who are healthy, stayed, and would have been flagged by it."""
        self._prepare_facts()
        counts = ", ".join(f"count(*) filter ({text}) as rule_{place}" for place, text in enumerate(conditions))
        rows = self._arrow(
            f"""select {counts} from facts as f semi join paying using (customer_id, day)
            where list_contains(?, day) and health_status in {NOT_AT_RISK} and not exists (
                select 1 from churns where churns.customer_id = f.customer_id
                and churns.day > f.day and churns.day <= f.day + {HORIZON})""",
            self.month_starts,
        ).to_pylist()
        return {name: int(count) for name, count in rows[0].items()}

    def facts_before(self, churn: Churn) -> dict[str, Any]:
        """Return what was known of a customer on the last day before it churned."""
        self._prepare_facts()
        rows = self._arrow(
            "select * from facts where customer_id = ? and day < ? order by day desc limit 1",
            churn.customer_id,
            churn.day,
        ).to_pylist()
        return rows[0] if rows else {}

    # --- the tables ------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Customers that were merged since are one from the beginning."""
        newest = [day for day in self._lake.partitions("identity/people") if day <= str(self._until)][-1:]
        merged = self._day_rows("identity/people", ("customer_id", "aliases"), newest)
        self._create("merged", f"select unnest(aliases) as alias, customer_id as into_id from ({merged})")
        self._create_merged("paying", "core/revenue", ("mrr",), "select customer_id, day from {rows} where mrr > 0")
        self._create_merged("profile", "core/profile", ("customer_status",), "select * from {rows}")
        self._create_merged("scores", HEALTH.key, SCORES, "select * from {rows}")
        days = ", ".join(f"(date '{day}')" for day in self.days)
        self._create(
            "churns",
            f"""with lake_days as (
                select day, lead(day) over (order by day) as following from (values {days}) t(day)
            ), payments as (
                select customer_id, day, lead(day) over (partition by customer_id order by day) as paid_again
                from paying
            )
            select customer_id, following as day from payments join lake_days using (day)
            where following is not null and (paid_again is null or paid_again > following + {GONE_FOR})""",
        )

    def _prepare_facts(self) -> None:
        if self._connection.execute("select count(*) from duckdb_tables() where table_name = 'facts'").fetchall()[0][0]:
            return
        names = [f"fact_{place}" for place in range(len(FACTS))]
        for name, (table, columns) in zip(names, FACTS.items(), strict=True):
            self._create_merged(name, table, columns, "select * from {rows}")
        joined = " ".join(f"left join {name} using (customer_id, day)" for name in names[1:])
        self._create("facts", f"from {names[0]} {joined}")

    def _create(self, name: str, query: str) -> None:
        self._connection.execute(f"create or replace temp table {name} as {query}")

    def _create_merged(
        self, name: str, table: str, columns: Sequence[str], query: str, days: Sequence[date] | None = None
    ) -> None:
        """Make a table of days, by default all: a row per customer and day; of who was merged since, any of theirs."""
        read = [str(day) for day in (self.days if days is None else days)]
        rows = f"""(select coalesce(into_id, customer_id) as customer_id, day, {quoted(columns)}
            from ({self._day_rows(table, ("customer_id", *columns), read)}) as read left join
            (select alias, into_id from merged) on alias = customer_id)"""
        query = query.format(rows=rows)
        self._create(name, f"select distinct on (customer_id, day) * from ({query}) order by all")

    def _day_rows(self, table: str, columns: Sequence[str], days: Sequence[str]) -> str:
        """Return a query for columns of a table on some days; what an old file lacks is null."""
        schema, wanted = contract_of(table).schema, set(days)
        paths = list(self._lake.paths([file for file in self._lake.files(table) if file.partition in wanted]))
        nothing = ", ".join(f'null::{sql_type(schema[name])} as "{name}"' for name in columns)
        files = (
            f" union all by name select * from {rows_of_files(paths, 'filename=true', by_name=True)}" if paths else ""
        )
        # Of a file in parts the folder has its name.
        named = "case when filename like '%.part/%' then parse_dirpath(filename) else filename end"
        day = f"split_part(parse_filename({named}), '.', 1)::date as day"
        return f"select {quoted(columns)}, {day} from ((select {nothing}, '' as filename limit 0){files})"

    def _arrow(self, query: str, *values: Any) -> pa.Table:
        return self._connection.execute(query, list(values) or None).to_arrow_table()


@contextmanager
def history_of(lake: Lake, until: date = date.max) -> Iterator[History]:
    """Open the past of a lake, as it was up to a day."""
    with cursor() as connection, lake.naming_damage(lambda: _paths(lake)):
        yield History(connection, lake, until)


def _paths(lake: Lake) -> Iterator[str]:
    for table in {*FACTS, "identity/people"}:
        yield from lake.paths(lake.files(table))
