"""A company's attributes as ZoomInfo writes them: revenue in thousands, years as texts, lists of industries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.kit.render import iso_seconds
from gtm_platform.sandbox.world.firmographics import CompanyFacts

FIELDS = (
    "id",
    "name",
    "website",
    "domainList",
    "employeeCount",
    "employeeRange",
    "revenue",
    "revenueRange",
    "primaryIndustry",
    "industries",
    "foundedYear",
    "city",
    "state",
    "country",
    "socialMediaUrls",
    "lastUpdatedDate",
)
_RANGES = ((20, "1 - 20"), (50, "20 - 50"), (100, "50 - 100"), (250, "100 - 250"), (500, "250 - 500"))
_REVENUE_EACH = 110  # thousands of dollars for each employee


def attributes(facts: CompanyFacts, fields: Sequence[str], now: datetime) -> dict[str, Any]:
    """The fields that were asked for; the id is no attribute."""
    linkedin = {"type": "LINKED_IN", "url": facts.linkedin_url, "followerCount": str(facts.employees * 20)}
    shape = {
        "name": facts.name,
        "website": f"www.{facts.domain}",
        "domainList": [facts.domain],
        "employeeCount": facts.employees,
        "employeeRange": next((label for most, label in _RANGES if facts.employees < most), "Over 500"),
        "revenue": facts.employees * _REVENUE_EACH,
        "revenueRange": "Under $500,000" if facts.employees < 5 else "Over $500,000",
        "primaryIndustry": [facts.industry],
        "industries": [facts.industry],
        "foundedYear": str(facts.founded),
        "city": facts.city,
        "state": None,
        "country": facts.country,
        "socialMediaUrls": [linkedin],
        "lastUpdatedDate": iso_seconds(now.replace(hour=0, minute=0, second=0, microsecond=0)),
    }
    return {name: value for name, value in shape.items() if name in fields}
