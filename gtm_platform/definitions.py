"""The front door: one Definitions, merged from the rooms; nothing else."""

import dagster as dg
from dagster_duckdb import DuckDBResource

from gtm_platform.core import assets as core
from gtm_platform.delivery import definitions as delivery
from gtm_platform.health import assets as health
from gtm_platform.identity import assets as identity
from gtm_platform.lake import catalogue
from gtm_platform.lake.resource import LakeResource, the_lake
from gtm_platform.lake.runs import reaper
from gtm_platform.quality import assets as quality
from gtm_platform.quality.checks import CHECKS
from gtm_platform.sources import assets as sources

TABLES = [*identity.ASSETS, *core.ASSETS, *health.ASSETS, *quality.ASSETS, *core.wide_assets()]
daily_tables = dg.AssetSelection.groups(*dict.fromkeys(table.key.path[0] for table in TABLES))

defs = dg.Definitions.merge(
    sources.definitions,
    dg.Definitions(
        assets=TABLES,
        asset_checks=CHECKS,
        jobs=[
            dg.define_asset_job(
                "daily_tables",
                selection=daily_tables,
                description="Who is who, the domains, health and the wide tables, for a day or a range of days.",
            )
        ],
        sensors=[
            reaper,
            dg.AutomationConditionSensorDefinition(
                "as_data_lands",
                target=daily_tables,
                default_status=dg.DefaultSensorStatus.RUNNING,
                minimum_interval_seconds=30,
                description="Makes the tables of today and yesterday again as their sources land.",
            ),
        ],
        resources={
            "lake": LakeResource(),
            "catalogue": DuckDBResource(
                database=str(catalogue.path_of(the_lake())), connection_config={"access_mode": "READ_ONLY"}
            ),
        },
        executor=dg.in_process_executor,
    ),
    delivery.definitions,
)
