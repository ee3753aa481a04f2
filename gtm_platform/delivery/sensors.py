"""The job of both deliveries, the sensor that asks for it, and the one that says when a run has failed."""

from contextlib import closing

import dagster as dg

from gtm_platform.delivery.assets import hubspot_contacts, slack_alerts
from gtm_platform.delivery.newest import CUSTOMERS, newest_day
from gtm_platform.delivery.alerts.alerts import run_failure
from gtm_platform.delivery.alerts.slack_client import SlackChannel, why_off
from gtm_platform.delivery.alerts.sender import AlertSender
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.orchestration.liveness import sentence
from gtm_platform.settings import settings
from gtm_platform.state import open_state

LANDED = dg.AssetKey(CUSTOMERS.split("/"))  # joined last: when it is there, so is the health in it
EVENTS_A_TICK = 500

deliver = dg.define_asset_job(
    "deliver",
    selection=dg.AssetSelection.assets(hubspot_contacts, slack_alerts),
    description="Health into HubSpot and alerts into Slack, for the newest day.",
)


@dg.sensor(
    job=deliver,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Requests both deliveries when the newest day of health lands; an old day made again is not delivered.",
)
def when_health_lands(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    landed = context.instance.fetch_materializations(LANDED, limit=EVENTS_A_TICK, cursor=context.cursor, ascending=True)
    newest = {record.partition_key: record for record in landed.records}
    day = newest_day(the_lake())
    requests = []
    if day in newest:
        run = context.instance.get_run_by_id(newest[day].run_id)
        if run and not run.is_finished:
            still = f"the run that made {day} still goes on: its checks come first"
            return dg.SensorResult(skip_reason=still, cursor=context.cursor)
        # The same landing seen twice asks once; a day made again is delivered again.
        requests.append(dg.RunRequest(run_key=f"{day}:{newest[day].storage_id}", partition_key=day))
    return dg.SensorResult(run_requests=requests, cursor=landed.cursor if landed.records else context.cursor)


@dg.run_failure_sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Says once in Slack which run failed and why; kept and said later where Slack is down.",
)
def when_a_run_fails(context: dg.RunFailureSensorContext) -> dg.SkipReason:
    there, run = settings(), context.dagster_run
    if off := why_off(there):
        return dg.SkipReason(off)
    day = f"{there.now():%Y-%m-%d}"
    fact = run_failure(day, run.run_id, _what(run), _why(context))
    with closing(open_state(there.state_url)) as state:
        said = AlertSender(SlackChannel.of(there), state, there.now).send_platform_alert(fact)
    return dg.SkipReason("; ".join(said.trouble) or f"said {said.sent}")


def _what(run: dg.DagsterRun) -> str:
    """The job, or the tables where they were asked for without one."""
    tables = sorted(key.to_user_string() for key in run.asset_selection or ())
    if not tables:
        return run.job_name
    return f"{tables[0]} and {len(tables) - 1} more" if len(tables) > 1 else tables[0]


def _why(context: dg.RunFailureSensorContext) -> str:
    """The sentences of the steps that failed; what the run itself says where no step did."""
    errors = [event.step_failure_data.error for event in context.get_step_failure_events()]
    told = [sentence(error) for error in errors if error]
    return " ".join(told) or str(context.failure_event.message)
