"""What ZoomInfo knows of companies: their size, industry and country."""

import ibis

from gtm_platform.ingest.market_feeds import FirmographicFeed


def _matched(companies: ibis.Table) -> ibis.Table:
    return companies.filter(companies["outcome"] == "matched")


FEEDS = (
    FirmographicFeed(
        "zoominfo",
        "zoominfo/companies",
        precedence=20,
        retrieved_at="retrieved_at",
        company_domain="domain",
        name="name",
        country="country",
        industry="industry",
        employee_count="employee_count",
        linkedin_company_url="linkedin_company_url",
        rows=_matched,
    ),
)
