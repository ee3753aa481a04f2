"""`delivery/actions` as an asset: what is done for customers and companies, by the newest day and the policy."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import dagster as dg

from gtm_platform.delivery.actions.days_table import TABLE, write
from gtm_platform.delivery.actions.perform import ActionReport, Performer, plan
from gtm_platform.delivery.actions.systems import is_enabled, off_reason, open_systems
from gtm_platform.delivery.actions.targets import (
    COMPANIES,
    RECORDS_OF_COMPANIES,
    Target,
    read_companies,
    read_customers,
    targets_of,
)
from gtm_platform.delivery.gate import CUSTOMERS, HEALTH, newest_day, require_checks_passed, skip_reason
from gtm_platform.delivery.hubspot.assets import newest_of
from gtm_platform.delivery.request import DeliveryConfig, is_dry_run, requested_days
from gtm_platform.http.errors import ApiFailure
from gtm_platform.http.redaction import redact_exceptions
from gtm_platform.intelligence.effect.shown_lake import shown
from gtm_platform.lake.dagster.asset_pages import definition_metadata
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.graph_policy import DAILY_FRESHNESS, OWNERS
from gtm_platform.policy import policy
from gtm_platform.policy.actions import Action
from gtm_platform.settings import settings
from gtm_platform.sources.hubspot.client import POOL
from gtm_platform.state import State, open_state

NONE = "No action is switched on: see [[actions.rules]] in the policy."

Events = Iterator[dg.MaterializeResult[None] | dg.AssetObservation]


@dg.asset(
    key=TABLE.split("/"),
    description="Tasks and tags for customers at risk, and tags of companies, by the policy, once for each time.",
    group_name="delivery",
    kinds={"hubspot", "intercom", "parquet"},
    owners=OWNERS,
    freshness_policy=DAILY_FRESHNESS,
    deps=newest_of(HEALTH, CUSTOMERS, COMPANIES),
    metadata=definition_metadata(TABLE),
    pool=POOL,
    output_required=False,
)
def actions(context: dg.AssetExecutionContext, config: DeliveryConfig, lake: LakeResource) -> Events:
    """Do what the policy's actions say of the newest day, or show what would be done."""
    store = shown(lake.open())
    day = newest_day(store)
    rules = [rule for rule in policy().actions.rules if rule.enabled]
    if reason := skip_reason(requested_days(context.run.tags, config, day), day):
        context.log.info(reason)
        return
    if not rules:
        context.log.info(NONE)
        yield dg.MaterializeResult(metadata={"day": day, "summary": NONE})  # it is not late
        return
    if any(rule.of_companies for rule in rules) and not (
        store.has(COMPANIES, day) and store.has(RECORDS_OF_COMPANIES, day)
    ):
        context.log.warning(f"{COMPANIES} has no {day} yet: actions about companies wait.")
        rules = [rule for rule in rules if not rule.of_companies]
    of_companies = (COMPANIES,) if any(rule.of_companies for rule in rules) else ()
    require_checks_passed(context, day, (HEALTH, CUSTOMERS, *of_companies))
    dry_run = is_dry_run(context.run.run_config)
    with redact_exceptions(), closing(open_state(settings().state_url)) as state:
        previewed = [rule for rule in rules if dry_run or off_reason(rule.does) or not is_enabled(rule.does)]
        if previewed:
            yield dg.AssetObservation(context.asset_key, metadata=_preview(store, state, previewed, day))
        reports, failures = _perform(
            [rule for rule in rules if rule not in previewed], store, state, context.run.run_id, day
        )
        write(store, state, day)
    for report in reports:
        for sentence in report.refused:
            context.log.warning(f"{report.rule}: {sentence}")
    if failures:
        raise dg.Failure(" ".join(failures), metadata=_metadata(day, reports))
    if reports:
        yield dg.MaterializeResult(metadata=_metadata(day, reports))


def _perform(
    rules: Sequence[Action], store: Lake, state: State, run_id: str, day: str
) -> tuple[list[ActionReport], list[str]]:
    """Do each rule; one that fails leaves the others to be done."""
    targets = _targets(rules, store, day)
    reports, failures = [], []
    with open_systems() as systems:
        for rule in rules:
            try:
                system = systems.of(rule.does, rule.text)
                performer = Performer(rule, system, state, run_id, day, settings().now)
                reports.append(performer.perform(targets[rule.name]))
            except ApiFailure as failure:
                failures.append(f"{rule.name}: {failure.message} What is in doubt is looked up by the next run.")
    return reports, failures


def _targets(rules: Sequence[Action], store: Lake, day: str) -> dict[str, dict[str, Target]]:
    """Return by rule for whom it is to be done."""
    customers = read_customers(store, day) if any(not rule.of_companies for rule in rules) else ()
    companies = read_companies(store, day) if any(rule.of_companies for rule in rules) else ()
    return {rule.name: targets_of(rule, customers, companies) for rule in rules}


def _preview(store: Lake, state: State, rules: Sequence[Action], day: str) -> dict[str, Any]:
    """Return what would be done: ids, nobody's name."""
    targets = _targets(rules, store, day)
    records, lines = [], []
    for rule in rules:
        todo = plan(rule, targets[rule.name], state)
        off = off_reason(rule.does)
        lines.append(f"- {rule.name}: {len(todo.new)} to do, {todo.waiting} would wait{f'; off: {off}' if off else ''}")
        records += [
            dg.TableRecord({"rule": rule.name, "of": each.subject_id, "record": each.target_id}) for each in todo.new
        ]
    columns = [dg.TableColumn(name) for name in ("rule", "of", "record")]
    summary = "\n".join(["**Dry run**: nothing was done (the system's …_WRITE_ENABLED, or dry_run).\n", *lines])
    return {
        "summary": dg.MetadataValue.md(summary),
        "day": day,
        "dry_run": True,
        "would_do": len(records),
        "actions": dg.MetadataValue.table(records, schema=dg.TableSchema(columns)),
    }


def _metadata(day: str, reports: Sequence[ActionReport]) -> dict[str, Any]:
    lines = ["| action | done | there before | ended | refused | waiting |", "|---|--:|--:|--:|--:|--:|"]
    for each in reports:
        counts = (each.done + each.seen, each.present, each.ended, len(each.refused), each.waiting)
        lines.append(f"| {each.rule} | {' | '.join(map(str, counts))} |")
    return {
        "day": day,
        "figure/done": sum(each.done + each.seen for each in reports),
        "figure/ended": sum(each.ended for each in reports),
        "figure/refused": sum(len(each.refused) for each in reports),
        "figure/waiting": sum(each.waiting for each in reports),
        "by action": dg.MetadataValue.md("\n".join(lines)),
    }
