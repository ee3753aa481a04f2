"""Dagster asset checks made of checks as values. They are unpartitioned: the days stand in the result's metadata."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import dagster as dg

from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.day_check import Check, DayCheck, Verdict, checks_of, days_to_check
from gtm_platform.lake.verdicts import Judged, judge
from gtm_platform.orchestration.graph_policy import DAYS
from gtm_platform.settings import settings

PARTITION = "dagster/partition"
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
DAYS_NAMED = 5  # in the description; the metadata have all of them


def day_checks(tables: Iterable[DailyTable], checks: Iterable[DayCheck] = ()) -> list[dg.AssetChecksDefinition]:
    """Build the checks of each table's contract, and those of a room's own, as a step for each table."""
    by_table: dict[str, list[Check]] = {}
    everything: list[Check] = [*(check for table in tables for check in checks_of(table)), *checks]
    for check in everything:
        by_table.setdefault(check.table, []).append(check)
    return [_checks_of(table, of_table) for table, of_table in by_table.items()]


def _checks_of(table: str, checks: Sequence[Check]) -> dg.AssetChecksDefinition:
    """Build the checks of a table; each can be evaluated alone."""
    by_name = {check.name: check for check in checks}

    @dg.multi_asset_check(
        name=f"{table.replace('/', '__')}__{'_and_'.join(by_name)}", specs=[*map(_spec, checks)], can_subset=True
    )
    def evaluate(context: dg.AssetCheckExecutionContext, lake: LakeResource) -> Iterator[dg.AssetCheckResult]:
        store, of_run = lake.open(), days_of_run(context.run.tags)
        for key in sorted(context.selected_asset_check_keys):
            check = by_name[key.name]
            judged = judge(store, check, days_to_check(store, check, of_run), settings().home / "checks")
            yield _result(key, judged, dg.AssetCheckSeverity[check.severity])

    return evaluate


def _spec(check: Check) -> dg.AssetCheckSpec:
    """Describe a check. One of severity ERROR blocks what is made of the table in the same run, and all deliveries."""
    return dg.AssetCheckSpec(
        check.name, asset=check.table.split("/"), description=check.about, blocking=check.severity == "ERROR"
    )


def days_of_run(tags: Mapping[str, str]) -> list[str]:
    """List the days that a run was launched for."""
    if PARTITION in tags:
        return [tags[PARTITION]]
    if RANGE_START in tags:
        return list(DAYS.get_partition_keys_in_range(dg.PartitionKeyRange(tags[RANGE_START], tags[RANGE_END])))
    return []


def _result(key: dg.AssetCheckKey, judged: Judged, severity: dg.AssetCheckSeverity) -> dg.AssetCheckResult:
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
        asset_key=key.asset_key,
        check_name=key.name,
        passed=not bad,
        severity=severity,
        metadata=metadata,
        description=_sentence(bad, len(judged.verdicts)),
    )


def _sentence(bad: Mapping[str, Verdict], days: int) -> str:
    if not bad:
        return f"{days} days are as they should be."
    named = list(bad)[-DAYS_NAMED:]
    more = f" and {len(bad) - len(named)} earlier ones" if len(bad) > len(named) else ""
    return f"{len(bad)} of {days} days are wrong: {', '.join(named)}{more}. Make them again once the cause is mended."
