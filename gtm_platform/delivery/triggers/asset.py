"""`delivery/webhooks` as an asset: it compares the newest day with what was sent, sends what is news, and counts."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import dagster as dg

from gtm_platform.delivery.gate import CUSTOMERS, HEALTH, CheckFailed, newest_day, require_checks_passed, skip_reason
from gtm_platform.delivery.hotpath.fresher import newer_than_tables
from gtm_platform.delivery.hubspot.assets import newest_of
from gtm_platform.delivery.request import DeliveryConfig, is_dry_run, requested_days
from gtm_platform.delivery.triggers.compare import Comparer, Comparison, by_type
from gtm_platform.delivery.triggers.messages_table import CONTRACT, TABLE, Row, receivers_of, write
from gtm_platform.delivery.triggers.sender import Sender, SendReport
from gtm_platform.delivery.triggers.settings import TriggerSettings
from gtm_platform.delivery.triggers.subjects import COMPANIES, Subjects, names_of, read_subjects
from gtm_platform.http.redaction import redact_exceptions
from gtm_platform.intelligence.effect.shown_lake import shown
from gtm_platform.lake.dagster.asset_pages import definition_metadata
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.graph_policy import DAILY_FRESHNESS, OWNERS
from gtm_platform.policy import policy
from gtm_platform.settings import settings, settings_of
from gtm_platform.state import State, open_state
from gtm_platform.state.trigger_outbox import counts
from gtm_platform.state.trigger_subscriptions import ACTIVE, all_subscriptions

POOL = "webhooks"  # two runs never send at once
ROWS_SHOWN = 100

Events = Iterator[dg.MaterializeResult[None] | dg.AssetObservation]


class WebhookConfig(DeliveryConfig):
    """For the launchpad."""

    allow_mass_change: bool = False


@dg.asset(
    key=TABLE.split("/"),
    description=CONTRACT.about,
    group_name="delivery",
    kinds={"webhook", "parquet"},
    owners=OWNERS,
    freshness_policy=DAILY_FRESHNESS,
    deps=newest_of(HEALTH, CUSTOMERS, COMPANIES),
    metadata=definition_metadata(TABLE),
    pool=POOL,
    output_required=False,
)
def webhooks(context: dg.AssetExecutionContext, config: WebhookConfig, lake: LakeResource) -> Events:
    """Write the changes of the newest day into the outbox and send what is due, or show them."""
    store = shown(lake.open())
    day, own = newest_day(store), settings_of(TriggerSettings)
    off = "Triggers are off: set TRIGGER_KEY." if own.missing() else None
    if reason := off or skip_reason(requested_days(context.run.tags, config, day), day):
        context.log.info(reason)
        return
    with redact_exceptions(), closing(open_state(settings().state_url)) as state:
        if reason := nobody(state):
            context.log.info(reason)
            yield dg.MaterializeResult(metadata={"day": day, "summary": reason})  # it is not late
            return
        comparer = Comparer(state, policy().triggers, settings().now(), config.allow_mass_change)
        if is_dry_run(context.run.run_config) or not own.trigger_send_enabled:
            context.log.info("Dry run: nothing is sent (TRIGGER_SEND_ENABLED, or dry_run in the launchpad).")
            _require_whole(store, day)
            require_checks_passed(context, day, _inputs(store, day))
            subjects = _known(store, day, state)
            yield dg.AssetObservation(context.asset_key, metadata=_preview(subjects, comparer))
            return
        try:
            _require_whole(store, day)
            require_checks_passed(context, day, _inputs(store, day))
        except CheckFailed:
            sender(store, state, day).send()  # what was right on its own day is sent all the same
            raise
        compared = comparer.write(_known(store, day, state), context.run.run_id)
        report = sender(store, state, day).send()
        rows = write(store, state, day)
        metadata = {"day": day, **_metadata(state, rows, compared, report)}
    if wrong := {**compared.stopped, **unusable(report)}:
        raise dg.Failure(" ".join(wrong.values()), metadata=metadata, allow_retries=False)
    yield dg.MaterializeResult(metadata=metadata)


def _require_whole(store: Lake, day: str) -> None:
    """Raise where companies were made before and not on the day: all of them would seem to have gone."""
    if store.partitions(COMPANIES) and not store.has(COMPANIES, day):
        raise CheckFailed(f"Nothing new is sent: {COMPANIES} has no {day} yet.")


def _inputs(store: Lake, day: str) -> tuple[str, ...]:
    return (HEALTH, CUSTOMERS, COMPANIES) if store.has(COMPANIES, day) else (HEALTH, CUSTOMERS)


def nobody(state: State) -> str | None:
    """Say that nobody has subscribed, or nothing."""
    with state.reading() as tx:
        active = all_subscriptions(tx, [ACTIVE])
    return None if active else "Nobody has subscribed to changes: gtm trigger add does."


def sender(store: Lake, state: State, day: str) -> Sender:
    """Return what sends, as the settings and the policy say."""

    def persons(ids: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
        return names_of(store, day, ids)

    return Sender(state, settings_of(TriggerSettings), policy().triggers, settings().now, persons)


def unusable(report: SendReport) -> dict[str, str]:
    """Return by subscription why nothing was even tried, which a person has to mend."""
    attempted = report.delivered.keys() | report.refused.keys()
    return {id: reason for id, reason in report.trouble.items() if id not in attempted}


def _known(store: Lake, day: str, state: State) -> Subjects:
    """Return the customers and companies of the day; of whom the hot path knows more, it has said so."""
    return replace(read_subjects(store, day), without=newer_than_tables(store, day, state))


def _preview(subjects: Subjects, comparer: Comparer) -> dict[str, Any]:
    """Return what would be sent: ids and kinds, nobody's name."""
    compared, day = comparer.preview(subjects), subjects.day
    rows = [
        dg.TableRecord(
            {
                "subscription": id,
                "type": message.type,
                "id": message.subject_id,
                "changed": ", ".join(message.content["changed"]),
            }
        )
        for id, messages in compared.new.items()
        for message in messages
    ]
    columns = [dg.TableColumn(name) for name in ("subscription", "type", "id", "changed")]
    held_back = "".join(f"\n\n{reason}" for reason in compared.stopped.values())
    return {
        "summary": dg.MetadataValue.md(f"**Dry run**: {compared.count} messages would be sent; none was.{held_back}"),
        "day": day,
        "dry_run": True,
        "would_send": compared.count,
        "messages": dg.MetadataValue.table(rows[:ROWS_SHOWN], schema=dg.TableSchema(columns)),
    }


def _metadata(state: State, rows: list[Row], compared: Comparison, report: SendReport) -> dict[str, Any]:
    with state.reading() as tx:
        by_status, receivers = counts(tx), receivers_of(all_subscriptions(tx))
    of_status = {
        status: sum(number for (_, each), number in by_status.items() if each == status)
        for status in ("waiting", "dead")
    }
    return {
        "dagster/row_count": len(rows),
        "new_messages": compared.count,
        **{f"new/{type}": number for type, number in sorted(by_type(compared.new).items())},
        "figure/delivered": sum(report.delivered.values()),
        "figure/refused": sum(report.refused.values()),
        "figure/died": sum(report.dead.values()),
        "figure/waiting": of_status["waiting"],
        "figure/dead_letters": of_status["dead"],
        "by subscription": dg.MetadataValue.md(_plot(report, receivers)),
    }


def _plot(report: SendReport, receivers: Mapping[str, str]) -> str:
    """Return a line for each subscription that was sent something."""
    lines = ["| subscription | receiver | delivered | not taken | dead | |", "|---|---|---:|---:|---:|---|"]
    ids = sorted(report.delivered.keys() | report.refused.keys() | report.trouble.keys())
    for id in ids:
        figures = [str(of.get(id, 0)) for of in (report.delivered, report.refused, report.dead)]
        why = report.switched_off.get(id) or report.trouble.get(id, "")
        lines.append(f"| {id} | {receivers.get(id, '')} | {' | '.join(figures)} | {why} |")
    return "\n".join(lines)
