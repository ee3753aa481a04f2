"""All deliveries as assets: each reads the newest day out of the lake and shows in counts what became of it.

`sensors` request them, or a person. Those to HubSpot are made in `hubspot.assets`, one for each object type.
"""

from collections.abc import Iterator
from contextlib import closing

import dagster as dg

from gtm_platform.delivery.gate import (
    CUSTOMERS,
    HEALTH,
    days_before,
    newest_day,
    require_checks_passed,
    rows,
    skip_reason,
)
from gtm_platform.delivery.hubspot.assets import HUBSPOT_ASSETS, newest_of
from gtm_platform.delivery.hubspot.settings import HubSpotDeliverySettings
from gtm_platform.delivery.request import DeliveryConfig, is_dry_run, requested_days
from gtm_platform.delivery.slack import client as slack
from gtm_platform.delivery.slack import wording
from gtm_platform.delivery.slack.alerts import HEALTH_DROP, cancel_mentions, health_drops
from gtm_platform.delivery.slack.send import AlertSender, SendReport
from gtm_platform.delivery.slack.settings import SlackSettings
from gtm_platform.http.redaction import redact_exceptions
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.graph_policy import DAILY_FRESHNESS, OWNERS
from gtm_platform.policy import policy
from gtm_platform.settings import settings, settings_of
from gtm_platform.state import State, open_state
from gtm_platform.state import slack_journal as messages
from gtm_platform.state.slack_journal import Fact

Result = Iterator[dg.AssetMaterialization]
Metadata = dict[str, int | str]

[hubspot_contacts] = [asset for asset in HUBSPOT_ASSETS if asset.key.path[-1] == "hubspot_contacts"]


@dg.asset(
    key=["delivery", "slack_alerts"],
    description="Cancel mentions and health drops, said once each in the alert channel.",
    group_name="delivery",
    kinds={"slack"},
    owners=OWNERS,
    freshness_policy=DAILY_FRESHNESS,
    deps=newest_of(HEALTH, CUSTOMERS),
    pool="slack",
    output_required=False,
)
def slack_alerts(context: dg.AssetExecutionContext, config: DeliveryConfig, lake: LakeResource) -> Result:
    """Post the alerts of the newest day that were not posted yet."""
    store = lake.open()
    day = newest_day(store)
    days = requested_days(context.run.tags, config, day)
    if reason := slack.why_off(settings_of(SlackSettings)) or skip_reason(days, day):
        context.log.info(reason)
        return
    if is_dry_run(context.run.run_config):
        context.log.info("Dry run: nothing is posted, and the alerts of the day stay to be posted.")
        return
    require_checks_passed(context, day)
    report = _send(store, day)
    if report.trouble:
        kept = f"{report.waiting} alerts wait and go out with the next run. " if report.waiting else ""
        sentence = f"{report.trouble[0]} {kept}{report.failed} were refused for good."
        raise dg.Failure(sentence, metadata=_counts(report))
    yield dg.AssetMaterialization(context.asset_key, metadata={"day": day, **_counts(report)})


@redact_exceptions()
def _send(store: Lake, day: str) -> SendReport:
    config, rules = settings(), policy()
    customers = rows(store, CUSTOMERS, day, *wording.COLUMNS)
    with closing(open_state(config.state_url)) as state:
        facts = cancel_mentions(day, customers, rules.support.cancel_days) + _drops(store, state, day)
        by_id = {row["customer_id"]: row for row in customers}
        sender = AlertSender(slack.SlackChannel.of(settings_of(SlackSettings)), state, config.now)
        return sender.say(
            facts, by_id, day, rules.alerts.digest_above, settings_of(HubSpotDeliverySettings).hubspot_portal_id
        )


def _drops(store: Lake, state: State, day: str) -> list[Fact]:
    rules, columns = policy().alerts, ("customer_id", "health_score", "health_status")
    past = days_before(store, HEALTH, day, rules.health_drop_days, *columns)
    with state.reading() as tx:
        sent = messages.newest(tx, HEALTH_DROP)
    return health_drops(day, rows(store, HEALTH, day, *columns), past, sent, rules.health_drop_points)


def _counts(report: SendReport) -> Metadata:
    return {
        "new_alerts": report.new,
        "said": report.sent,
        "messages": report.posts,
        "waiting": report.waiting,
        "refused": report.failed,
        "dropped": report.dropped,
    }
