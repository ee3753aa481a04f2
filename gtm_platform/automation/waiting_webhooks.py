"""When webhooks that wait are sent: at once where somebody asked for it, else when their next attempt is due."""

import hashlib
from collections.abc import Sequence
from contextlib import closing

import dagster as dg

from gtm_platform.automation.waiting_alerts import TICK_SECONDS, UNFINISHED
from gtm_platform.delivery.gate import newest_day
from gtm_platform.delivery.triggers.asset import webhooks
from gtm_platform.delivery.triggers.settings import TriggerSettings
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.orchestration.compat import AssetJob
from gtm_platform.orchestration.origin import DAY_TAG
from gtm_platform.settings import settings, settings_of
from gtm_platform.state import open_state
from gtm_platform.state.trigger_outbox import due_ids
from gtm_platform.state.trigger_subscriptions import ACTIVE, all_subscriptions


def send_waiting_webhooks(job: AssetJob) -> dg.SensorDefinition:
    """Define the sensor that requests the webhooks, and no other delivery, when some are due."""

    @dg.sensor(
        name="send_waiting_webhooks",
        job=job,
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=TICK_SECONDS,
        description="Sends webhooks again that were not taken, when their next attempt is due.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        own = settings_of(TriggerSettings)
        if own.missing() or not own.trigger_send_enabled:
            return dg.SkipReason("Triggers are off: set TRIGGER_KEY and TRIGGER_SEND_ENABLED=true.")
        day, due = newest_day(the_lake()), due_now()
        if not day or not due:
            return dg.SkipReason("no webhook waits that is due")
        if context.instance.get_runs(dg.RunsFilter(job_name=job.name, statuses=UNFINISHED), limit=1):
            return dg.SkipReason(f"{len(due)} webhooks are due, and a run of {job.name} goes on")
        return dg.RunRequest(run_key=_key(due), tags={DAY_TAG: day}, asset_selection=[webhooks.key])

    return sensor


def due_now() -> list[int]:
    """Return the numbers of the messages whose next attempt is due."""
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        return due_ids(tx, [each.id for each in all_subscriptions(tx, [ACTIVE])], settings().now())


def _key(due: Sequence[int]) -> str:
    """One for each minute and set of messages: what a run leaves, as a receiver is down, is not asked for at once."""
    ids = hashlib.sha256(",".join(map(str, due)).encode()).hexdigest()[:16]
    return f"webhooks:{settings().now():%Y-%m-%dT%H:%M}:{ids}"
