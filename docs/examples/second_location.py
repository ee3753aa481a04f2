"""A code location of one's own, beside the platform's: its packages, its deployment, the same lake and lineage."""

import dagster as dg
import pyarrow as pa

from gtm_platform.extensions.location import platform_resources
from gtm_platform.lake.contracts import Column, Contract, declare
from gtm_platform.lake.dagster.catalogue_resource import CatalogueResource
from gtm_platform.orchestration.graph_policy import DAYS

RESOURCES = platform_resources()

declare(
    "finance/currencies",
    Contract(
        {
            "currency": Column("string", "ISO 4217, in small letters.", nullable=False),
            "mrr": Column("decimal(18, 2)", "What customers pay a month in it.", nullable=False),
        },
        key=("currency",),
        about="Monthly revenue by currency.",
    ),
)


@dg.asset(
    key=["finance", "currencies"],
    deps=[["core", "revenue"]],
    partitions_def=DAYS,
    io_manager_key="lake_frames",
    group_name="finance",
    kinds={"duckdb"},
)
def currencies(context: dg.AssetExecutionContext, catalogue: CatalogueResource) -> pa.Table:
    """Sum the revenue of the day in each currency."""
    with catalogue.on(context.partition_key, ["core/revenue"]) as lake:
        return lake.execute(
            "select currency, sum(mrr) as mrr from core.revenue where mrr > 0 group by all"
        ).to_arrow_table()


defs = dg.Definitions(assets=[currencies], resources=RESOURCES)
