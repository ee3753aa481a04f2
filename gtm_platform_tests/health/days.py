"""A lake with days of customers, written as the tables that health is made from, and judged by the tables of health."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from gtm_platform.health import customer_health, published_scores, rules, score_changes
from gtm_platform.health.recomputation import under
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Policy, policy
from gtm_platform_tests.health.test_customer_health import OF, engaged
from gtm_platform_tests.tables import DAY, filled

Facts = Mapping[str, Any]
HEALTH = customer_health.TABLE.key
MORE = {
    "core/activity": ("logins_30d", "onboarding_pct"),
    "core/support": ("csat_count_90d",),
    "core/profile": ("name",),
}


def earlier(days: int) -> date:
    return DAY - timedelta(days=days)


@dataclass(frozen=True)
class Days:
    """The days of a lake; customers are facts by customer_id."""

    lake: Lake

    def write(self, day: date, customers: Mapping[str, Facts]) -> None:
        """Write what health is made from, and health."""
        self.write_facts(day, customers)
        self.judge(day)

    def write_facts(self, day: date, customers: Mapping[str, Facts]) -> None:
        people = [
            {"customer_id": customer, "email": f"{customer}@acme.com", "all_emails": [f"{customer}@acme.com"]}
            for customer in customers
        ]
        links = [
            {"source": "stripe", "record_id": record, "customer_id": customer, "match_method": "alone"}
            for customer, facts in customers.items()
            for record in facts.get("records", [f"record of {customer}"])
        ]
        self._store("identity/people", day, people)
        self._store("identity/links", day, links)
        for table, columns in OF.items():
            names = (*columns, *MORE.get(table, ()))
            rows = [self._row(table, customer, facts, names) for customer, facts in customers.items()]
            self._store(table, day, rows)

    def _store(self, table: str, day: date, rows: Sequence[Facts]) -> None:
        self.lake.write(table, str(day), engine().to_pyarrow(filled(table, *rows)))

    def judge(self, day: date, by: Policy | None = None) -> None:
        for table in (rules.TABLE, customer_health.TABLE, published_scores.TABLE, score_changes.TABLE):
            assert under(table, by or policy()).write_day(self.lake, str(day))

    def changes(self, day: date = DAY) -> dict[str, list[dict[str, Any]]]:
        """The parts of the changes of a day, by customer."""
        parts: dict[str, list[dict[str, Any]]] = {}
        for row in self.lake.partition(score_changes.TABLE.key, str(day)).to_pyarrow().to_pylist():
            parts.setdefault(row["customer_id"], []).append(row)
        return parts

    def health(self, day: date = DAY) -> dict[str, dict[str, Any]]:
        rows = self.lake.partition(HEALTH, str(day)).to_pyarrow().to_pylist()
        return {row["customer_id"]: row for row in rows}

    @staticmethod
    def _row(table: str, customer: str, facts: Facts, names: tuple[str, ...]) -> Facts:
        complete = dict(facts) | engaged(dict(facts))
        row = {name: complete[name] for name in names if name in complete}
        if table == "core/profile":
            row = {"customer_status": "active", "is_customer": True} | row
        return {"customer_id": customer, **row}
