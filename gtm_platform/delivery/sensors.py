"""The job of the deliveries, and the sensor that says when a run has failed. When it runs: `automation/deliveries`."""

from contextlib import closing

import dagster as dg

from gtm_platform.delivery.slack.alerts import run_failure
from gtm_platform.delivery.slack.client import SlackChannel, why_off
from gtm_platform.delivery.slack.send import AlertSender
from gtm_platform.delivery.slack.settings import SlackSettings
from gtm_platform.orchestration.liveness import sentence
from gtm_platform.settings import settings, settings_of
from gtm_platform.state import open_state

deliver = dg.define_asset_job(
    "deliver",
    selection=dg.AssetSelection.groups("delivery"),
    description="Health into HubSpot and alerts into Slack, for the newest day.",
)


@dg.run_failure_sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Says once in Slack which run failed and why; kept and said later where Slack is down.",
)
def when_a_run_fails(context: dg.RunFailureSensorContext) -> dg.SkipReason:
    there, run = settings_of(SlackSettings), context.dagster_run
    if off := why_off(there):
        return dg.SkipReason(off)
    day = f"{there.now():%Y-%m-%d}"
    fact = run_failure(day, run.run_id, _what(run), _why(context))
    with closing(open_state(settings().state_url)) as state:
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
