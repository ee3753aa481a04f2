"""What Clay knows of companies: their size, industry and country."""

import ibis

from gtm_platform.ingest.market_feeds import FirmographicFeed


def _matched(companies: ibis.Table) -> ibis.Table:
    return companies.filter(companies["outcome"] == "matched")


FEEDS = (
    FirmographicFeed(
        "clay",
        "clay/companies",
        precedence=30,
        retrieved_at="retrieved_at",
        company_domain="domain",
        name="name",
        country="country",
        industry="industry",
        employee_count="employee_count",
        company_type="company_type",
        linkedin_company_url="linkedin_company_url",
        rows=_matched,
    ),
)
