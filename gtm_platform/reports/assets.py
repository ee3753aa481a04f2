"""The reports as assets, a partition for each week, month or quarter; and the schedules that make them as those end."""

from datetime import date, timedelta
from typing import Any

import dagster as dg

from gtm_platform.delivery.canaries.sightings import sight_report
from gtm_platform.http.redaction import redact_exceptions
from gtm_platform.intelligence.effect.shown_lake import shown
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.orchestration.compat import output_without_materialization
from gtm_platform.orchestration.graph_policy import OWNERS, made_each
from gtm_platform.policy import policy
from gtm_platform.reports.figures import NothingToReport
from gtm_platform.reports.files import HTML, Made, folder_of
from gtm_platform.reports.kinds import discover
from gtm_platform.reports.make import make
from gtm_platform.reports.report import Report
from gtm_platform.reports.slack_delivery import KEY as DELIVERY
from gtm_platform.reports.slack_delivery import slack_reports
from gtm_platform.reports.slack_summaries import slack_summaries
from gtm_platform.serving.snapshot.layout import COMPANIES, CUSTOMERS, TRANSITIONS
from gtm_platform.settings import settings

GROUP = "reports"
READ = (CUSTOMERS, COMPANIES, TRANSITIONS)


def key_of(report: Report) -> dg.AssetKey:
    """Return the key of a report's asset."""
    return dg.AssetKey([GROUP, report.name])


def report_asset(report: Report) -> dg.AssetsDefinition:
    """Define the asset of a report."""

    @dg.asset(
        key=key_of(report),
        description=report.about,
        group_name=GROUP,
        kinds={"html", "pdf", "csv"},
        owners=OWNERS,
        partitions_def=report.cadence.partitions,
        freshness_policy=made_each(report.cadence.days),
        deps=[
            dg.AssetDep(
                table.split("/"),
                partition_mapping=dg.TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True),
            )
            for table in READ
        ],
        output_required=False,
    )
    def report_of_period(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult[None]:
        try:
            made = _make(report, context.partition_key, lake)
        except NothingToReport as nothing:
            context.log.info(str(nothing))
            return output_without_materialization()
        if made.no_pdf:
            context.log.warning(made.no_pdf)
        return dg.MaterializeResult(metadata=_metadata(made))

    return report_of_period


@redact_exceptions()
def _make(report: Report, key: str, lake: LakeResource) -> Made:
    period = report.cadence.containing(date.fromisoformat(key))
    made = make(report, period, shown(lake.open()), policy(), settings().home)
    sight_report(shown(lake.open()), str(made.day))
    return made


def _metadata(made: Made) -> dict[str, Any]:
    folder = folder_of(settings().home, made.name, made.period)
    cards = "\n".join(f"| {card['title']} | {card['shown']} | {card['change']} |" for card in made.cards)
    return {
        "summary": dg.MetadataValue.md(f"**{made.label}** {made.lead}\n\n| | | |\n|---|--:|--:|\n{cards}"),
        "day": made.day,
        "whole_period": made.is_complete,
        "report": dg.MetadataValue.path(str(folder / HTML)),
        **{f"figure/{name}": value for name, value in made.figures.items() if value is not None},
        **({"technical/no_pdf": made.no_pdf} if made.no_pdf else {}),
        "technical/made_from": made.made_from,
        "technical/policy_hash": made.policy_hash,
    }


def report_job(report: Report) -> Any:
    """Define the job that makes a report and posts it."""
    return dg.define_asset_job(
        f"{report.name}_report",
        selection=dg.AssetSelection.assets(key_of(report), DELIVERY),
        description=f"{report.title}: made for a {report.cadence.name}, and posted once to Slack.",
    )


def report_schedule(report: Report, job: Any) -> dg.ScheduleDefinition:
    """Define the schedule that asks for the report of each period once it has ended."""

    @dg.schedule(
        name=f"{report.name}_schedule",
        cron_schedule=report.cadence.schedule,
        job=job,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Makes {report.title.lower()} of the {report.cadence.name} that has ended.",
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        today = context.scheduled_execution_time.date()
        ended = report.cadence.containing(report.cadence.first(today) - timedelta(days=1))
        parts = report.cadence.partitions
        with dg.partition_loading_context(effective_dt=context.scheduled_execution_time):
            if not parts.has_partition_key(ended.key):
                return dg.SkipReason(f"{ended.label} was over before the first sync.")
        return dg.RunRequest(run_key=ended.key, partition_key=ended.key)

    return tick


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    jobs = {report.name: report_job(report) for report in discover().values()}
    return dg.Definitions(
        assets=[*(report_asset(report) for report in discover().values()), slack_reports, slack_summaries],
        jobs=list(jobs.values()),
        schedules=[report_schedule(report, jobs[report.name]) for report in discover().values()],
    )
