"""The alerts about customers as an asset: it reads the newest day of the lake and shows, in counts, what was sent."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import dagster as dg

from gtm_platform.delivery.alerts import customer_alerts
from gtm_platform.delivery.alerts.company_day import COMPANIES, OPPORTUNITIES, TRANSITIONS
from gtm_platform.delivery.alerts.sender import SendReport
from gtm_platform.delivery.alerts.settings import SlackSettings
from gtm_platform.delivery.alerts.slack_client import CUSTOMER_CHANNEL, POOL, off_reason
from gtm_platform.delivery.canaries.sightings import sight_alerts
from gtm_platform.delivery.gate import CUSTOMERS, HEALTH, newest_day, require_checks_passed, skip_reason
from gtm_platform.delivery.hubspot.assets import newest_of
from gtm_platform.delivery.request import DeliveryConfig, is_dry_run, requested_days
from gtm_platform.http.redaction import redact_exceptions
from gtm_platform.intelligence.effect.holdout import TABLE as HOLDOUT
from gtm_platform.intelligence.effect.shown_lake import shown
from gtm_platform.lake.dagster.asset_pages import links
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.graph_policy import DAILY_FRESHNESS, OWNERS
from gtm_platform.settings import SettingsError, settings, settings_of
from gtm_platform.state import open_state

ROWS_SHOWN = 100  # of what a dry run would send

Events = Iterator[dg.MaterializeResult[None] | dg.AssetObservation]
Metadata = dict[str, Any]


def channel_url() -> str | None:
    """Return the address of the customers' channel; None where the settings do not tell it."""
    try:
        channel = settings_of(SlackSettings).slack_alert_channel
    except SettingsError:  # a run says so, and the other assets can be used
        return None
    return f"https://slack.com/app_redirect?channel={channel}" if channel else None


@dg.asset(
    key=["delivery", "slack_alerts"],
    description="Alerts about current customers and companies, sent once each; only of the newest day.",
    group_name="delivery",
    kinds={"slack"},
    owners=OWNERS,
    freshness_policy=DAILY_FRESHNESS,
    deps=newest_of(HEALTH, CUSTOMERS, COMPANIES, TRANSITIONS, OPPORTUNITIES, HOLDOUT.key),
    metadata=links(Slack=channel_url()),
    pool=POOL,
    output_required=False,
)
def slack_alerts(context: dg.AssetExecutionContext, config: DeliveryConfig, lake: LakeResource) -> Events:
    """Send the alerts of the newest day, or show what would be sent."""
    store = shown(lake.open())
    day = newest_day(store)
    slack = settings_of(SlackSettings)
    off = off_reason(slack, CUSTOMER_CHANNEL)
    days = requested_days(context.run.tags, config, day)
    if reason := (off if slack.missing() else None) or skip_reason(days, day):
        context.log.info(reason)
        return
    require_checks_passed(context, day)
    if off or is_dry_run(context.run.run_config):
        context.log.info(off or "Dry run: nothing is posted, and the alerts of the day stay to be posted.")
        # An observation, not a materialization: a day that was only looked at counts as not delivered.
        yield dg.AssetObservation(context.asset_key, metadata=_preview(store, day))
        return
    report = _send(store, day)
    if report.trouble:
        kept = f"{report.waiting} alerts wait and go out with the next run. " if report.waiting else ""
        raise dg.Failure(f"{report.trouble[0]} {kept}{report.failed} were refused for good.", metadata=_counts(report))
    # A result, not the event alone: what depends on it in the same run would be skipped without one.
    yield dg.MaterializeResult(metadata={"day": day, **_counts(report), **links(Slack=channel_url())})


@redact_exceptions()
def _send(store: Lake, day: str) -> SendReport:
    report = customer_alerts.send(store, day)
    if not report.trouble:  # what people would not have got is not seen of canaries either
        with closing(open_state(settings().state_url)) as state:
            sight_alerts(store, state, day, settings().now())
    return report


@redact_exceptions()
def _preview(store: Lake, day: str) -> Metadata:
    """Return what would be sent, by kind and subject: ids only, nobody's name."""
    facts = customer_alerts.preview(store, day)
    rows = [
        dg.TableRecord({"kind": fact.kind, "subject": fact.subject_kind, "id": fact.subject_id, "day": fact.day})
        for fact in facts[:ROWS_SHOWN]
    ]
    columns = [dg.TableColumn(name) for name in ("kind", "subject", "id", "day")]
    summary = f"**Dry run**: {len(facts)} alerts would be sent; none was."
    return {
        "summary": dg.MetadataValue.md(summary),
        "day": day,
        "dry_run": True,
        "would_send": len(facts),
        "alerts": dg.MetadataValue.table(rows, schema=dg.TableSchema(columns)),
        **links(Slack=channel_url()),
    }


def _counts(report: SendReport) -> Metadata:
    return {
        "new_alerts": report.new,
        "messages": report.posts,
        **report.counts,
        **({"to_the_usual_channel": " ".join(dict.fromkeys(report.detours))} if report.detours else {}),
    }
