"""Asset checks of the ideal customer, with plots: that groups add up, and whether the fit can be believed."""

import json
from collections.abc import Sequence
from typing import Any

import dagster as dg

from gtm_platform.intelligence.icp.companies import TRAITS
from gtm_platform.intelligence.icp.fit import TABLE as FIT
from gtm_platform.intelligence.icp.groups import ALL
from gtm_platform.intelligence.icp.groups import TABLE as GROUPS
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.lake import Lake

BAR, DRAWN = 20, 12  # characters of a bar, groups of a plot
Row = dict[str, Any]


@dg.asset_check(
    asset=GROUPS.key.split("/"),
    name="add_up",
    description="No trait that a company has once has more companies, won or lost, than there are; with a plot.",
)
def groups_add_up(lake: LakeResource) -> dg.AssetCheckResult:
    """Add up the newest day's groups, and draw their win rates and LTV."""
    rows = _newest(lake.open(), GROUPS.key, "order by companies desc, value")
    everybody = [row for row in rows if row["trait"] == ALL]
    if not everybody:
        return dg.AssetCheckResult(passed=True, description="There is no company yet.")
    too_many = [
        f"{trait}: {name}"
        for trait in TRAITS
        for name in ("companies", "won", "lost", "customers", "seasoned", "left_in_time")
        if sum(row[name] for row in rows if row["trait"] == trait) > everybody[0][name]
    ]
    plots = {f"win rate by {trait}": dg.MetadataValue.md(plot(rows, trait)) for trait in ("industry", "size")}
    return dg.AssetCheckResult(
        passed=not too_many,
        metadata=plots,
        description=f"Counted twice: {', '.join(too_many)}." if too_many else f"{len(rows) - 1} groups add up.",
    )


@dg.asset_check(
    asset=FIT.key.split("/"),
    name="believable",
    description="No trait was left out as it may hold the outcome; and what the fit is worth.",
)
def fit_is_believable(lake: LakeResource) -> dg.AssetCheckResult:
    """Say what the newest day's fit is worth, and warn of traits that were left out."""
    rows = _newest(lake.open(), FIT.key, "limit 1")
    if not rows:
        return dg.AssetCheckResult(passed=True, description="There is no company yet.")
    left_out: dict[str, str] = json.loads(rows[0]["left_out"])
    named = "; ".join(f"{name}: {why}" for name, why in left_out.items())
    auc = {f"figure/{name}": rows[0][name] for name in ("auc", "auc_low", "auc_high") if rows[0][name] is not None}
    return dg.AssetCheckResult(
        passed=not left_out,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"verdict": rows[0]["verdict"], "left_out": named or "none", **auc},
        description=f"Left out, until vouched for (intelligence.vouched_columns): {named}."
        if left_out
        else f"Verdict: {rows[0]['verdict']}.",
    )


def plot(rows: Sequence[Row], trait: str) -> str:
    """Draw the win rates of a trait's groups, drawn to that of all, with their intervals."""
    groups = [row for row in rows if row["trait"] in (ALL, trait) and row["win_rate_drawn"] is not None][:DRAWN]
    lines = [
        f"| {row['value']} | {row['won']} of {row['won'] + row['lost']} "
        f"| `{'█' * round(BAR * row['win_rate_drawn'])}` {row['win_rate_drawn']:.0%} | {_interval(row)} |"
        for row in groups
    ]
    return "\n".join([f"| {trait} | won | drawn to all | 95 % |", "|---|--:|---|---|", *lines])


def _interval(row: Row) -> str:
    return "" if row["win_rate_low"] is None else f"{row['win_rate_low']:.0%} to {row['win_rate_high']:.0%}"


def _newest(store: Lake, table: str, rest: str) -> list[Row]:
    """Return rows of a table's newest day."""
    day = max(store.partitions(table), default="")
    query = store.query_day(table, day)
    with cursor() as connection, store.naming_damage(lambda: list(query.files)):
        result = connection.execute(f"select * from ({query.sql}) {rest}")
        names = [column[0] for column in result.description or []]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
