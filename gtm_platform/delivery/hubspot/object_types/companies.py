"""HubSpot companies: the cohort of each and what stands behind it; nothing on that of a company in no cohort.

A company in a cohort that HubSpot lacks is created, as far as the policy says so.
"""

import ibis

from gtm_platform.cohorts.company_accounts import CUSTOMER_STATUSES, LEVELS
from gtm_platform.cohorts.company_cohorts import COHORTS, HIRING, SIGNS, STRENGTHS
from gtm_platform.delivery.hubspot.object_type import Matching, MatchKey, ObjectType, Tables
from gtm_platform.delivery.hubspot.properties import (
    Origin,
    Property,
    checkboxes,
    day,
    long_text,
    number,
    select,
    text,
)
from gtm_platform.lake.expressions import literals
from gtm_platform.market.competitors import CHANNELS
from gtm_platform.market.partners import STATUSES
from gtm_platform.unified.companies import LEAD_SOURCES

COMPANIES = "core/unified_companies"
PRIORITY_STEP = 5


def _origin(column: str) -> Origin:
    return Origin(COMPANIES, column, "policy_hash")


def _number(column: str, label: str, about: str) -> Property:
    return number(column, label, about, _origin(column))


def _text(column: str, label: str, about: str) -> Property:
    return text(column, label, about, _origin(column))


def _select(column: str, label: str, about: str, options: tuple[str, ...] = ()) -> Property:
    """Declare one of several options; those that are not known beforehand are added when a company has them."""
    return select(column, label, about, _origin(column), options)


def _checkboxes(column: str, label: str, about: str, options: tuple[str, ...] = ()) -> Property:
    return checkboxes(column, label, about, _origin(column), options)


PROPERTIES = (
    _select("customer_cohort", "Cohort", "The first in priority that applies to the company.", COHORTS),
    _number("cohort_priority_score", "Priority", "How much the company matters to us, 0 to 100 in steps of 5."),
    _select("q1_revenue_potential", "Revenue potential", "By what it pays, tries and shows.", LEVELS),
    _select("chroma_customer_status", "Customer status", "Whether its people pay, try or are gone.", CUSTOMER_STATUSES),
    _number("chroma_cloud_mrr", "Company MRR", "What it pays a month, in the reporting currency."),
    _number("chroma_instances", "Instances", "Database instances of its accounts."),
    _select("chroma_usage_tier", "Usage tier", "The highest of its plans."),
    _select("chroma_expansion_potential", "Expansion potential", "By growth, limits and collections.", LEVELS),
    _text("pipeline_stage", "Deal stage", "Stage of its largest open deals."),
    _checkboxes("in_market_signals", "In-market signals", "What it shows before it buys.", SIGNS),
    _select("ai_hiring_status", "AI hiring", "By its open AI jobs.", HIRING),
    _number("ai_job_count", "AI jobs", "How many AI jobs it has open."),
    _select("company_type", "Company type", "What kind of company it is."),
    _select("use_case_detected", "Use case", "What it builds."),
    _checkboxes("signal_source", "Signal sources", "Which systems show its signals."),
    _select("signal_strength", "Signal strength", "What its signals are worth today.", STRENGTHS),
    _select("current_vector_db", "Current vector DB", "The competitor that it was seen to use last."),
    _select("competitor_source_channel", "Competitor seen in", "Where that was seen.", CHANNELS),
    _checkboxes("competitor_pain_points", "Pain points", "What it complains of there."),
    _select("competitor_relationship_status", "Competitor relationship", "Of the cohort of competitors.", ("unknown",)),
    _text("displacement_play", "Displacement play", "How to win it from the competitor."),
    _text("follow_up_cadence", "Follow-up cadence", "How often to look at it again."),
    _select("si_partner_status", "Partner status", "How far the partnership is.", STATUSES),
    _select("si_partner_tier", "Partner tier", "Its tier as a partner."),
    _number("si_customer_count", "Partner's customers", "Customers that the partner brought or implemented."),
    _number("si_revenue_potential", "Partner's revenue", "Its won and open referrals, in the reporting currency."),
    _checkboxes("si_specializations", "Specializations", "What the partner is good at."),
    _select("lead_source", "Lead source", "How it first came to us.", LEAD_SOURCES),
    _text("linkedin_company_url", "LinkedIn page", "Its page at LinkedIn."),
    long_text(
        "engagement_notes",
        "Last call",
        "What the last recorded call with its people was about.",
        _origin("engagement_notes"),
        personal=True,
    ),
    day("next_renewal_at", "Next renewal", "When its next subscription renews.", _origin("next_renewal_at")),
)

# By its domain, then by any other that it has or its people write from, then by its name: a company with that name and
# a domain of its own that is none of these is another one.
MATCHING = Matching(
    keys=(
        MatchKey("domain", "domain"),
        MatchKey("domain", "aliases"),
        MatchKey("name", "name", unless_other="domain"),
    ),
    # With its further domains, HubSpot makes no second company of an address at one of them.
    created_with={"name": "name", "domain": "domain", "hs_additional_domains": "aliases"},
    id_property=text(
        "gtm_company_id",
        "Company id",
        "Which company of the platform it was created for.",
        Origin(COMPANIES, "company_id", "company_id"),
        unique=True,
    ),
    group="customer_cohort",
)


def plan(tables: Tables) -> ibis.Table:
    """Return a row per company with a record in HubSpot, or in a cohort and with a name.

    The priority goes in steps, as each company's moves a little whenever another one pays more.
    """
    rows = tables[COMPANIES]
    record = rows["hubspot_company_id"].nullif("")
    rows = rows.filter(record.notnull() | (rows["customer_cohort"].notnull() & rows["name"].notnull()))
    return rows.select(
        "company_id",
        "name",
        "domain",
        "aliases",
        *(name for name in OBJECT_TYPE.columns_of(COMPANIES) if name != "cohort_priority_score"),
        cohort_priority_score=(rows["cohort_priority_score"] / literals.number(PRIORITY_STEP)).round(0) * PRIORITY_STEP,
        hubspot_company_id=rows["hubspot_company_id"].nullif(""),
        in_no_cohort=rows["customer_cohort"].isnull(),
    )


OBJECT_TYPE = ObjectType(
    name="companies",
    label="company",
    type_id="0-2",
    key="hubspot_company_id",
    subject="company_id",
    properties=PROPERTIES,
    inputs=(COMPANIES,),
    plan=plan,
    cleared="in_no_cohort",
    clears_unknown=True,
    matching=MATCHING,
    about="Cohort, signals, partnership and MRR as properties of HubSpot companies, which are created where they are "
    "missing; only what changed, only the newest day.",
)
