"""Dagster asset checks made of checks as values. They are unpartitioned: the days stand in the result's metadata."""

from collections.abc import Iterable, Mapping

import dagster as dg

from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.day_check import Check, ContractCheck, DayCheck, Verdict, days_to_check
from gtm_platform.lake.verdicts import Judged, judge
from gtm_platform.orchestration.graph_policy import DAYS
from gtm_platform.settings import settings

PARTITION = "dagster/partition"
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
DAYS_NAMED = 5  # in the description; the metadata have all of them


def day_checks(tables: Iterable[DailyTable], checks: Iterable[DayCheck] = ()) -> list[dg.AssetChecksDefinition]:
    """Build the check of each table's contract, and those of a room's own."""
    everything: list[Check] = [*map(ContractCheck, tables), *checks]
    return [_asset_check(check) for check in everything]


def _asset_check(check: Check) -> dg.AssetChecksDefinition:
    """Build one check. One of severity ERROR blocks what is made of the table in the same run, and all deliveries."""
    severity = dg.AssetCheckSeverity[check.severity]

    @dg.asset_check(
        asset=check.table.split("/"),
        name=check.name,
        description=check.about,
        blocking=severity == dg.AssetCheckSeverity.ERROR,
    )
    def evaluate(context: dg.AssetCheckExecutionContext, lake: LakeResource) -> dg.AssetCheckResult:
        store = lake.open()
        days = days_to_check(store, check, days_of_run(context.run.tags))
        return _result(judge(store, check, days, settings().home / "checks"), severity)

    return evaluate


def days_of_run(tags: Mapping[str, str]) -> list[str]:
    """List the days that a run was launched for."""
    if PARTITION in tags:
        return [tags[PARTITION]]
    if RANGE_START in tags:
        return list(DAYS.get_partition_keys_in_range(dg.PartitionKeyRange(tags[RANGE_START], tags[RANGE_END])))
    return []


def _result(judged: Judged, severity: dg.AssetCheckSeverity) -> dg.AssetCheckResult:
    bad = {day: verdict for day, verdict in judged.verdicts.items() if not verdict.passed}
    metadata: dict[str, dg.MetadataValue | int | str] = {
        "days_checked": len(judged.verdicts),
        "days_read": judged.days_read,  # the others are as they were when they were read
        "bad_days": ", ".join(bad) or "none",
    }
    rows = [{"day": day, **row} for day, verdict in bad.items() for row in verdict.rows]
    if bad:
        metadata["bad_rows"] = sum(verdict.count for verdict in bad.values())
        reasons = [f"- {day}: {verdict.reason}" for day, verdict in bad.items() if verdict.reason]
        if reasons:
            metadata["reasons"] = dg.MetadataValue.md("\n".join(reasons))
        if rows:
            metadata["rows"] = dg.MetadataValue.table([dg.TableRecord(row) for row in rows])
    return dg.AssetCheckResult(
        passed=not bad, severity=severity, metadata=metadata, description=_sentence(bad, len(judged.verdicts))
    )


def _sentence(bad: Mapping[str, Verdict], days: int) -> str:
    if not bad:
        return f"{days} days are as they should be."
    named = list(bad)[-DAYS_NAMED:]
    more = f" and {len(bad) - len(named)} earlier ones" if len(bad) > len(named) else ""
    return f"{len(bad)} of {days} days are wrong: {', '.join(named)}{more}. Make them again once the cause is mended."
