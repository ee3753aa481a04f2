"""A plain Dagster asset in SQL over the lake's views, made with the daily tables, also for a range of days."""

from collections.abc import Mapping

import dagster as dg
import pyarrow as pa

from gtm_platform.lake.contracts import Column, Contract, declare
from gtm_platform.lake.dagster.asset_pages import definition_metadata
from gtm_platform.lake.dagster.catalogue_resource import CatalogueResource
from gtm_platform.orchestration.graph_policy import DAILY_POOL, DAILY_TAG, DAY_OF_WINDOWS, DAYS

declare(
    "marts/domains",
    Contract(
        {
            "domain": Column("string", "Domain of the company.", nullable=False),
            "contacts": Column("int64", "Contacts of HubSpot by the end of the day.", nullable=False),
            "customers": Column("int64", "Customers among the people of the company.", nullable=False),
        },
        key=("domain",),
        about="Contacts and customers by the domain of their company.",
    ),
)


@dg.asset(
    key=["marts", "domains"],
    deps=[["core", "unified_customers"], dg.AssetDep(["hubspot", "contacts"], partition_mapping=DAY_OF_WINDOWS)],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    io_manager_key="lake_frames",
    group_name="marts",
    kinds={"duckdb"},
    pool=DAILY_POOL,
    tags={DAILY_TAG: ""},
    metadata=definition_metadata("marts/domains"),
)
def domains(context: dg.AssetExecutionContext, catalogue: CatalogueResource) -> Mapping[str, pa.Table]:
    """Count the contacts and customers of each domain, as they were on each day of the run."""
    return {day: _on(catalogue, day) for day in context.partition_keys}


def _on(catalogue: CatalogueResource, day: str) -> pa.Table:
    with catalogue.on(day, ["core/unified_customers", "hubspot/contacts"]) as lake:
        return lake.execute("""
            with contacts as (
                select split_part(email, '@', 2) as domain, count(*) as contacts
                from hubspot.contacts where email like '%@%' group by all
            )
            select domain, contacts, count(customer.customer_id) as customers
            from contacts
            left join core.unified_customers as customer on customer.company_domain = domain and customer.is_customer
            group by all
        """).to_arrow_table()
