"""The job of both deliveries, and the sensor that asks for it."""

import dagster as dg

from gtm_platform.delivery.alerts.asset import slack_alerts
from gtm_platform.delivery.assets import hubspot_contacts
from gtm_platform.delivery.newest import CUSTOMERS, newest_day
from gtm_platform.lake.dagster.resource import the_lake

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
