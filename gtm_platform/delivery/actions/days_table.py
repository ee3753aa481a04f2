"""`delivery/actions`: what was done for customers in other systems on each day, by the rule of the policy."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, timedelta
from typing import Any

import pyarrow as pa

from gtm_platform.lake.contracts import Column, Contract, declare
from gtm_platform.lake.lake import Lake
from gtm_platform.state import State
from gtm_platform.state.actions import DONE, REFUSED, UNDONE, Deed, deeds_since

TABLE = "delivery/actions"
DAYS_THAT_CHANGE = 7  # what was done may be taken back, or be over


def _count(about: str) -> Column:
    return Column("int64", about, nullable=False, rule=lambda value: value >= 0)


CONTRACT = declare(
    TABLE,
    Contract(
        {
            "day": Column("date", "The day by whose tables it was done, or on which it was over.", nullable=False),
            "rule": Column("string", "Name of the action in the policy.", nullable=False),
            "does": Column("string", "What it does: hubspot_task, intercom_tag, intercom_company_tag.", nullable=False),
            "done": _count("Customers for whom it was done and stands, or was over later."),
            "refused": _count("Customers for whom the other system did not do it."),
            "undone": _count("Customers for whom a person took it back."),
            "ended": _count("Customers who were at risk no more on the day."),
        },
        key=("rule",),
        about="What was done for customers at risk in other systems, by day and action.",
        figures={
            "done": lambda t: t["done"].sum(),
            "refused": lambda t: t["refused"].sum(),
            "ended": lambda t: t["ended"].sum(),
        },
    ),
)


def rows_of(journaled: Sequence[Deed], since: str) -> list[dict[str, Any]]:
    """Return a row for each day and action."""
    counts: Counter[tuple[str, str, str, str]] = Counter()
    names = {DONE: "done", REFUSED: "refused", UNDONE: "undone"}
    for deed in journaled:
        if deed.day >= since and deed.status in names:
            counts[deed.day, deed.rule, deed.does, names[deed.status]] += 1
        ended = str(deed.over_at.astimezone(UTC).date()) if deed.over_at and deed.status != REFUSED else ""
        if ended >= since:
            counts[ended, deed.rule, deed.does, "ended"] += 1
    keys = sorted({key[:3] for key in counts})
    return [
        {"day": date.fromisoformat(day), "rule": rule, "does": does}
        | {name: counts[day, rule, does, name] for name in ("done", "refused", "undone", "ended")}
        for day, rule, does in keys
    ]


def write(lake: Lake, state: State, newest: str) -> None:
    """Write the days that may have changed, as the journal has them."""
    since = (date.fromisoformat(newest) - timedelta(days=DAYS_THAT_CHANGE - 1)).isoformat()
    with state.reading() as tx:
        rows = rows_of(deeds_since(tx, since), since)
    for day in dict.fromkeys(str(row["day"]) for row in rows):
        of_day = [row for row in rows if str(row["day"]) == day]
        lake.write(TABLE, day, pa.Table.from_pylist(of_day, CONTRACT.schema.to_pyarrow()))
