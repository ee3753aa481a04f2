"""Whether health and alerts work: the newest back-test, the churns that it found missed, how useful alerts were."""

from typing import Any

from gtm_platform.delivery.track_record import BACKTEST, MISSED_CHURNS, PRECISION
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.lake import Lake
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft

LISTED = 100  # of the churns that were missed
ALERT_DAYS = 90
OF_RULES = ("policy_hash", "verdict", "tested_until")
COUNT = "count_"  # begins the name of a measure that counts
OF_MISSED = (
    "customer_id", "churned_on", "policy_hash", "score_before", "days_ahead", "first_knowable", "rule",
    "rule_days_ahead", "more_alarms",
)  # fmt: skip


def make(draft: Draft) -> dict[str, Any]:
    """Return what the newest back-test says, for each set of rules, and how useful alerts were."""
    lake = draft.landing.lake
    month = max(lake.partitions(BACKTEST), default=None)
    return {
        "as_of": draft.landing.day,
        "month": month,
        "rules": _rules(lake, month, draft.landing.rules.hash) if month else [],
        "missed": _missed(draft, month) if month else [],
        "rules_that_would_help": _helping(lake, month) if month else [],
        "alert_days": ALERT_DAYS,
        "alerts": _alerts(draft),
    }


def _rules(lake: Lake, month: str, in_force: str) -> list[dict[str, Any]]:
    """Return each policy hash with its counts and figures, the one that scores were made with last first."""
    rows = _read(
        lake,
        BACKTEST,
        [month],
        """select policy_hash, verdict, tested_until::varchar as tested_until, measure, value, low, high from days
            order by tested_until desc, policy_hash, measure""",
    )
    tested: dict[str, dict[str, Any]] = {}
    for row in rows:
        of_rules = {**{name: row[name] for name in OF_RULES}, "in_force": row["policy_hash"] == in_force}
        rules = tested.setdefault(row["policy_hash"], {**of_rules, "counts": {}, "figures": {}})
        if row["measure"].startswith(COUNT):
            rules["counts"][row["measure"].removeprefix(COUNT)] = int(row["value"])
        else:
            rules["figures"][row["measure"]] = {name: row[name] for name in ("value", "low", "high")}
    return list(tested.values())


def _missed(draft: Draft, month: str) -> list[dict[str, Any]]:
    """Return the churns that were missed, the latest first; who is shown no more is left out."""
    shown = {customer for (customer,) in draft.db.execute("select customer_id from customers")}
    rows = _read(
        draft.landing.lake,
        MISSED_CHURNS,
        [month],
        f"""select {", ".join(OF_MISSED)} from days order by churned_on desc, customer_id""",
    )
    kept = [row for row in rows if row["customer_id"] in shown][:LISTED]
    return [row | {name: _day(row[name]) for name in ("churned_on", "first_knowable")} for row in kept]


def _day(value: object) -> str | None:
    return None if value is None else str(value)


def _helping(lake: Lake, month: str) -> list[dict[str, Any]]:
    """Return the rules that would have caught churns, and what they cost; null stands for those that nothing shows."""
    return _read(
        lake,
        MISSED_CHURNS,
        [month],
        """select rule, count(*) as churns, max(more_alarms) as more_alarms from days
            group by rule order by churns desc, rule nulls last""",
    )


def _alerts(draft: Draft) -> list[dict[str, Any]]:
    """Return each kind of alert with what its readers thought of it in the last days."""
    shown = draft.landing.days[0]
    days = [day for day in draft.landing.lake.partitions(PRECISION) if day >= shown]
    return _read(
        draft.landing.lake,
        PRECISION,
        days,
        """select kind, sum(sent)::bigint as sent, sum(useful)::bigint as useful, sum(not_useful)::bigint as not_useful,
                sum(useful)::double / nullif(sum(useful) + sum(not_useful), 0) as precision
            from days group by kind order by sent desc, kind""",
    )


def _read(lake: Lake, table: str, days: list[str], query: str) -> list[dict[str, Any]]:
    """Return the rows of a query over some partitions of a table."""
    files = [file for file in lake.files(table) if file.partition in set(days)]
    read: Any = lake.file_query(table, files)
    with cursor() as connection, lake.naming_damage(lambda: read.files):
        result = connection.execute(f"with days as ({read.sql}) {query}")
        names = [column[0] for column in result.description or []]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


FACT = Fact("track_record", "Whether health saw churn coming, what it missed, and how useful alerts were.", make)
