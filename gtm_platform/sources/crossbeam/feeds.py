"""What Crossbeam knows of partner companies, and of the companies that partners and we both have in our books.

Kind and tier are tags by convention, such as "SI Gold". An overlap is nobody's referral: "their customer, our prospect"
says who could introduce us. What a partner is to an account stands in the names of the partner's lists.
"""

import ibis

from gtm_platform.ingest.feeds import CompanyFeed
from gtm_platform.ingest.market_feeds import OverlapFeed, PartnerFeed

TIERS = ("strategic", "platinum", "gold", "silver", "registered")
TYPES = {"si": r"\bsis?\b|integrat", "consultancy": "consult", "reseller": "resell", "technology": "tech"}
CUSTOMERS, NO_CUSTOMERS = r"\bcustomers?\b", r"\b(former|past|lost|churned|ex|non|not|no)\b"


def _tags(partners: ibis.Table) -> ibis.Value:
    return partners["tags"].join(" ").lower()


def _tier(partners: ibis.Table) -> ibis.Value:
    return ibis.cases(*((_tags(partners).contains(tier), tier) for tier in TIERS))


def _type(partners: ibis.Table) -> ibis.Value:
    return ibis.cases(*((_tags(partners).re_search(pattern), name) for name, pattern in TYPES.items()))


def _is_their_customer(overlaps: ibis.Table) -> ibis.Value:
    """Whether any of the partner's lists of customers has the account."""
    lists = overlaps["partner_populations"].map(lambda name: name.lower())
    customers = lists.filter(lambda name: name.re_search(CUSTOMERS) & ~name.re_search(NO_CUSTOMERS))
    return customers.length() > 0


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
    CompanyFeed("crossbeam", "crossbeam/overlaps", precedence=235, domain="website", name="name"),
    OverlapFeed(
        "crossbeam",
        "crossbeam/overlaps",
        partner_domain="partner_domain",
        is_their_customer=_is_their_customer,
        company_domain="website",
        company_name="name",
    ),
)
