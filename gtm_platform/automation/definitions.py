"""What this room adds, given the graph that its sensors and jobs are about."""

import dagster as dg

from gtm_platform.automation.daily_tables import daily_tables_job, make_daily_tables
from gtm_platform.automation.deliveries import request_delivery
from gtm_platform.automation.hooked_windows import read_hooked_windows
from gtm_platform.automation.publishing import publish_job, request_publishing
from gtm_platform.automation.retries import retry_failed_windows
from gtm_platform.automation.waiting_alerts import send_waiting_alerts
from gtm_platform.automation.waiting_webhooks import send_waiting_webhooks
from gtm_platform.automation.whole_day import everything_of_a_day
from gtm_platform.delivery.sensors import deliver
from gtm_platform.orchestration.compat import AssetJob
from gtm_platform.orchestration.graph_policy import SOURCE_TAG
from gtm_platform.policy import policy
from gtm_platform.publish.assets import publish_assets


def automated(graph: dg.Definitions) -> dg.Definitions:
    """Return the graph with the jobs and sensors that keep it up to date.

    Sources, tables and deliveries are recognised by their tags, so new ones are part of it.
    """
    daily_tables = daily_tables_job()
    publishing = [publish_job()] if policy().publish.schemas else []
    jobs = dg.Definitions(jobs=[daily_tables, *publishing])
    whole = dg.Definitions.merge(graph, publish_assets(graph), jobs)
    syncs = [job for job in graph.jobs or () if isinstance(job, AssetJob) and SOURCE_TAG in (job.tags or {})]
    waiting = [send_waiting_alerts(deliver), send_waiting_webhooks(deliver)]
    sensors = [make_daily_tables(daily_tables), request_delivery(deliver), *waiting]
    sensors += map(request_publishing, publishing)
    if syncs:
        sensors += [retry_failed_windows(syncs), read_hooked_windows(syncs, deliver)]
    return dg.Definitions.merge(
        whole, dg.Definitions(jobs=[everything_of_a_day(lambda: whole)], sensors=[*sensors, *_own_conditions(whole)])
    )


def _own_conditions(graph: dg.Definitions) -> list[dg.SensorDefinition]:
    """Return the sensor of automation conditions, where an asset has one of its own; the platform's have none."""
    keys = [spec.key for spec in graph.resolve_all_asset_specs() if spec.automation_condition]
    if not keys:
        return []
    target = dg.AssetSelection.assets(*keys)
    return [
        dg.AutomationConditionSensorDefinition(
            "own_conditions", target=target, default_status=dg.DefaultSensorStatus.RUNNING, minimum_interval_seconds=60
        )
    ]
