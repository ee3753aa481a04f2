"""When alerts that wait are sent: at the end of quiet hours, and again each hour while Slack does not take them."""

import hashlib
from collections.abc import Sequence

import dagster as dg

from gtm_platform.delivery.alerts.asset import slack_alerts
from gtm_platform.delivery.alerts.customer_alerts import ready_to_send
from gtm_platform.delivery.alerts.settings import SlackSettings
from gtm_platform.delivery.alerts.slack_client import CUSTOMER_CHANNEL, off_reason
from gtm_platform.delivery.gate import newest_day
from gtm_platform.intelligence.effect.shown_lake import shown
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.orchestration.compat import AssetJob
from gtm_platform.orchestration.origin import DAY_TAG
from gtm_platform.settings import settings, settings_of
from gtm_platform.state.slack_journal import Entry

TICK_SECONDS = 60
UNFINISHED = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


def send_waiting_alerts(job: AssetJob) -> dg.SensorDefinition:
    """Define the sensor that requests the alerts, and no other delivery, when some wait that can be sent."""

    @dg.sensor(
        name="send_waiting_alerts",
        job=job,
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=TICK_SECONDS,
        description="Sends alerts that waited for the end of quiet hours, or for Slack; the same ones once an hour.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if off := off_reason(settings_of(SlackSettings), CUSTOMER_CHANNEL):
            return dg.SkipReason(off)
        day = newest_day(the_lake())
        ready = ready_to_send(shown(the_lake()), day) if day else []
        if not ready:
            return dg.SkipReason("no alert waits that could be sent now")
        if context.instance.get_runs(dg.RunsFilter(job_name=job.name, statuses=UNFINISHED), limit=1):
            return dg.SkipReason(f"{len(ready)} alerts wait, and a run of {job.name} that sends them goes on")
        return dg.RunRequest(run_key=_key(ready), tags={DAY_TAG: day}, asset_selection=[slack_alerts.key])

    return sensor


def _key(ready: Sequence[Entry]) -> str:
    """One for each hour and for each set of alerts: those that become ready are not held up by those that fail."""
    ids = ",".join(str(entry.id) for entry in ready)
    return f"waiting:{settings().now():%Y-%m-%dT%H}:{hashlib.sha256(ids.encode()).hexdigest()[:16]}"
