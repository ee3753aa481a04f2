"""What Crossbeam knows of partner companies.

Kind and tier are tags by convention, such as "SI Gold". An overlap is nobody's referral: "their customer, our prospect"
says who could introduce us, and stays a table of its own.
"""

import ibis

from gtm_platform.ingest.feeds import CompanyFeed
from gtm_platform.ingest.market_feeds import PartnerFeed

TIERS = ("strategic", "platinum", "gold", "silver", "registered")
TYPES = {"si": r"\bsis?\b|integrat", "consultancy": "consult", "reseller": "resell", "technology": "tech"}


def _tags(partners: ibis.Table) -> ibis.Value:
    return partners["tags"].join(" ").lower()


def _tier(partners: ibis.Table) -> ibis.Value:
    return ibis.cases(*((_tags(partners).contains(tier), tier) for tier in TIERS))


def _type(partners: ibis.Table) -> ibis.Value:
    return ibis.cases(*((_tags(partners).re_search(pattern), name) for name, pattern in TYPES.items()))


FEEDS = (
    CompanyFeed("crossbeam", "crossbeam/partners", precedence=180, domain="domain", name="name"),
    PartnerFeed(
        "crossbeam",
        "crossbeam/partners",
        precedence=30,
        company_domain="domain",
        company_name="name",
        partner_type=_type,
        status=lambda _: ibis.literal("active"),
        tier=_tier,
    ),
)
