"""What may go out: the newest day, its rows, and whether every check that guards them passed.

The gate fails closed. It opens only when each blocking check upstream of the deliveries was evaluated to its end on
the newest materialisation of its table, and passed. What is sent, and how, belongs to `hubspot/` and `slack/`.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import dagster as dg

from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.compat import Graph, checks_upstream, graph_of_run, is_blocking
from gtm_platform.orchestration.compat_history import Evaluation, completed_evaluations
from gtm_platform.orchestration.graph_policy import DAYS

CUSTOMERS, HEALTH = "core/unified_customers", "health/customer_health"
DELIVERED = tuple(dg.AssetKey(table.split("/")) for table in (HEALTH, CUSTOMERS))

Row = Mapping[str, Any]


class CheckFailed(RuntimeError):
    """The checks of the tables do not say that they are right; nothing was sent."""


def newest_day(lake: Lake) -> str:
    """Return the newest day for which both tables have rows; "" where there is none."""
    return max(set(lake.partitions(HEALTH)) & set(lake.partitions(CUSTOMERS)), default="")


def skip_reason(days: Collection[str], newest: str) -> str | None:
    """Say why none of the days is delivered, or None."""
    if not newest:
        return f"Nothing to deliver: {HEALTH} and {CUSTOMERS} hold no day yet."
    if newest not in days:
        return f"Nothing is delivered for {', '.join(days)}: only the newest day of health, {newest}, is."
    return None


def rows(lake: Lake, table: str, day: str, *columns: str) -> Sequence[Row]:
    """Read the rows of a day, of some columns or of all."""
    partition = lake.partition(table, day)
    read: Sequence[Row] = (partition.select(*columns) if columns else partition).to_pyarrow().to_pylist()
    return read


def days_before(lake: Lake, table: str, day: str, days: int, *columns: str) -> dict[str, Sequence[Row]]:
    """Read the rows of each of the days before, as far as the lake has them."""
    first = (date.fromisoformat(day) - timedelta(days=days)).isoformat()
    return {then: rows(lake, table, then, *columns) for then in lake.partitions(table) if first <= then < day}


def require_checks_passed(context: dg.AssetExecutionContext, day: str, tables: Collection[str] = ()) -> None:
    """Raise unless every check that guards some tables of the day passed, or those of customers."""
    keys = tuple(dg.AssetKey(table.split("/")) for table in tables) or DELIVERED
    if reasons := closed_reasons(context.instance, graph_of_run(context), day, keys):
        raise CheckFailed(
            f"Nothing is delivered: {'; '.join(reasons)}. See what the check shows in the run that evaluated it, mend "
            f"it and make the table again; the delivery is then requested again."
        )


def closed_reasons(
    instance: dg.DagsterInstance, graph: Graph, day: str, tables: Collection[dg.AssetKey] = DELIVERED
) -> list[str]:
    """Say for each check upstream of the deliveries why it holds them back; nothing where all passed.

    A blocking check has to have passed. Another one holds back when its newest verdict is a failure of severity ERROR.
    """
    checks = checks_upstream(graph, [key for key in tables if graph.has(key)])
    return [reason for check in checks if (reason := _closed_reason(instance, graph, check, day))]


def _closed_reason(instance: dg.DagsterInstance, graph: Graph, check: dg.AssetCheckKey, day: str) -> str | None:
    name = f"the check {check.name} of {check.asset_key.to_user_string()}"
    evaluations = completed_evaluations(instance, check)
    if evaluations and not evaluations[0].passed and evaluations[0].severity == dg.AssetCheckSeverity.ERROR:
        return f"{name} failed"
    newest = _newest_materialization(instance, graph, check.asset_key, day)
    never_made = newest is None and check.asset_key not in DELIVERED  # as of a source that is off
    if never_made or not is_blocking(graph, check):
        return None
    if not evaluations:
        return f"{name} was never evaluated"
    if newest and not any(_is_about(evaluation, newest) for evaluation in evaluations):
        return f"{name} was not evaluated since the table was made in run {newest.run_id[:8]}"
    return None


def _newest_materialization(
    instance: dg.DagsterInstance, graph: Graph, asset: dg.AssetKey, day: str
) -> dg.EventLogRecord | None:
    """Of a daily table that of the day, which is what goes out; of others the newest."""
    partitions = [day] if graph.get(asset).partitions_def == DAYS else None
    made = instance.fetch_materializations(dg.AssetRecordsFilter(asset, asset_partitions=partitions), limit=1)
    return next(iter(made.records), None)


def _is_about(evaluation: Evaluation, newest: dg.EventLogRecord) -> bool:
    """Whether a check looked at this materialisation, or at a later one."""
    if evaluation.run_id == newest.run_id:
        return True
    if evaluation.target_id is not None:
        return evaluation.target_id >= newest.storage_id
    return evaluation.timestamp > newest.timestamp
