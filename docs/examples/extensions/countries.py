"""A table in SQL: customers and revenue by country, with a check. The tables in braces are what it is made from."""

import dagster as dg

from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.dagster.catalogue_resource import CatalogueResource
from gtm_platform.lake.sql_table import sql_table

COUNTRIES = sql_table(
    "marts/countries",
    Contract(
        {
            "country": Column("string", "Country of the customers; ? where nothing is known.", nullable=False),
            "customers": Column("int64", "How many customers are there.", nullable=False),
            "mrr": Column("decimal(18, 2)", "What they pay a month, each in its own currency."),
            "change": Column("int64", "How many more than the day before; null on the first day."),
        },
        key=("country",),
        about="Customers and monthly revenue by country.",
        figures={"countries": lambda table: table.count()},
    ),
    """
    select coalesce(customer.country, '?') as country, count(*) as customers, sum(customer.mrr) as mrr,
           count(*) - any_value(before.customers) as change
    from {core/unified_customers} as customer
    left join {marts/countries, previous day} as before on before.country = coalesce(customer.country, '?')
    where customer.is_customer
    group by 1
    """,
)


@dg.asset_check(asset=["marts", "countries"], description="Every customer is in a country, or in `?`.")
def nobody_is_lost(catalogue: CatalogueResource) -> dg.AssetCheckResult:
    """Compare the sum of the countries with the customers that they were made from."""
    with catalogue.get_connection() as views:
        row = views.execute("""
            select (select sum(customers) from latest.countries)
                 - (select count(*) from latest.unified_customers where is_customer)
        """).fetchone()
    lost = int(row[0] or 0) if row else 0
    return dg.AssetCheckResult(passed=lost == 0, metadata={"lost": abs(lost)})
