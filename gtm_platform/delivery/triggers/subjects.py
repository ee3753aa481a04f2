"""The customers and companies of a day as triggers see them: the values to subscribe to, and what is filtered by."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis

from gtm_platform.core.customer_status import PROSPECT
from gtm_platform.delivery.gate import CUSTOMERS
from gtm_platform.delivery.triggers.kinds import KINDS, SubjectKind, kinds_of
from gtm_platform.lake.lake import Lake

COMPANIES = "core/unified_companies"
CUSTOMER_COLUMNS = (
    *("customer_id", "company_id", "customer_status", "plan_tier", "assigned_am", "assigned_am_email"),
    "mrr_reporting",
)
COMPANY_COLUMNS = ("company_id", "customer_cohort", "chroma_usage_tier", "chroma_cloud_mrr")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Subjects:
    """Everybody who may be subscribed to on a day, by id: customers, who are or were some, and companies."""

    day: str
    customers: Mapping[str, Row]
    companies: Mapping[str, Row]
    only: frozenset[str] | None = None  # customers and companies of which the day says something; None: of everybody
    without: frozenset[str] = frozenset()  # those of which it says what is older than what is known
    unknown: frozenset[str] = frozenset()  # kinds of which it does not know the value

    def judges(self, id: str) -> bool:
        """Whether what the day says, or does not say, of a customer or company counts."""
        return id not in self.without and (self.only is None or id in self.only)

    def of(self, subject: SubjectKind) -> Mapping[str, Row]:
        """Return the customers, or the companies."""
        return self.customers if subject == "customer" else self.companies


@dataclass(frozen=True)
class Some:
    """Some customers, and some companies with all their people."""

    customers: frozenset[str]
    companies: frozenset[str]

    def among(self, rows: ibis.Table) -> ibis.Table:
        """Return their rows."""
        of_companies = rows["company_id"].isin(sorted(self.companies)).fill_null(False)
        if "customer_id" not in rows.columns:
            return rows.filter(of_companies)
        return rows.filter(of_companies | rows["customer_id"].isin(sorted(self.customers)))


def read_subjects(lake: Lake, day: str, some: Some | None = None) -> Subjects:
    """Read the newest day, of some or all; before companies were first made there are none."""
    people = [
        row
        for row in _rows(lake, CUSTOMERS, day, _columns(CUSTOMER_COLUMNS, "customer"), some)
        if row["customer_status"] not in (None, PROSPECT)
    ]
    firms = _rows(lake, COMPANIES, day, _columns(COMPANY_COLUMNS, "company"), some) if lake.has(COMPANIES, day) else []
    cohorts = {row["company_id"]: row["customer_cohort"] for row in firms}
    managers = _managers(people)
    return Subjects(
        day,
        {row["customer_id"]: _customer(row, cohorts) for row in people},
        {row["company_id"]: _company(row, managers) for row in firms},
    )


def values_of(row: Row, kinds: Collection[str], subject: SubjectKind) -> dict[str, Any]:
    """Return the values of a row that a subscription is about."""
    return {kind.name: _plain(row[kind.column]) for kind in kinds_of(tuple(kinds), subject)}


def names_of(lake: Lake, day: str, ids: Collection[str]) -> dict[str, Row]:
    """Return name and address of some customers, for who may have them; nothing of who is gone."""
    partition = lake.partition(CUSTOMERS, day)
    columns = [name for name in ("customer_id", "name", "email") if name in partition.columns]
    chosen = partition.filter(partition["customer_id"].isin(sorted(ids))).select(*columns)
    rows: list[Row] = chosen.to_pyarrow().to_pylist()
    return {row["customer_id"]: {name: row.get(name) for name in ("name", "email")} for row in rows}


def _columns(columns: Sequence[str], subject: SubjectKind) -> list[str]:
    return list(dict.fromkeys([*columns, *(kind.column for kind in KINDS.values() if kind.subject == subject)]))


def _rows(lake: Lake, table: str, day: str, columns: Sequence[str], some: Some | None) -> list[Row]:
    """Read some columns of a day. One that the day was made without is null."""
    partition = lake.read_day(table, day)
    partition = some.among(partition) if some else partition
    present = [name for name in columns if name in partition.columns]
    absent = dict.fromkeys(name for name in columns if name not in partition.columns)
    return [absent | row for row in partition.select(*present).to_pyarrow().to_pylist()]


def _managers(people: Sequence[Row]) -> dict[str, Row]:
    """Return by company who of it pays most, of those with an account manager."""
    managed = [row for row in people if row["company_id"] and row["assigned_am"]]
    managed.sort(key=lambda row: (-(row["mrr_reporting"] or 0), row["customer_id"]))
    return {row["company_id"]: row for row in reversed(managed)}


def _customer(row: Row, cohorts: Mapping[str, str | None]) -> Row:
    filtered = {"tier": row["plan_tier"], "cohort": cohorts.get(row["company_id"] or ""), "mrr": row["mrr_reporting"]}
    return {**row, **filtered, "am": row["assigned_am"], "am_email": row["assigned_am_email"]}


def _company(row: Row, managers: Mapping[str, Row]) -> Row:
    manager = managers.get(row["company_id"], {})
    filtered = {"tier": row["chroma_usage_tier"], "cohort": row["customer_cohort"], "mrr": row["chroma_cloud_mrr"]}
    return {**row, **filtered, "am": manager.get("assigned_am"), "am_email": manager.get("assigned_am_email")}


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; lists are sorted, since their order says nothing."""
    return sorted(value) if isinstance(value, (list, tuple)) else value
