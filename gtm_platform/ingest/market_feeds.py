"""What a source says of the market: buying signals, use of competitors, partnerships, firmographics, web traffic.

These feeds are of companies where those of `feeds` are of people. A row names its company by a domain, by a record of
the source's company feed, or by a name alone. Values only; which signal counts how much is for the policy to say.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import ibis

from gtm_platform.ingest.feeds import Field

SignalLead = Literal["chroma_signal", "inbound"]
SignalKind = Literal["job", "star", "fork", "issue", "pull_request", "visit", "listed"]


@dataclass(frozen=True)
class SignalFeed:
    """A table with a row per buying signal: a job post, a star on GitHub, a visit, a place on a list.

    The same signal of two feeds, such as a star that GitHub and Reo.dev both show, has one `signal_id` in both. A
    signal lasts until `ends_at`, where it has one: a job post that was taken down says nothing more. `lead` says how a
    company came to us of which the source's signal was the first thing we saw.
    """

    source: str
    table: str
    kind: SignalKind | Callable[[ibis.Table], ibis.Value]
    signal_id: Field
    at: Field
    precedence: int = 10
    lead: SignalLead | None = None
    company_domain: Field | None = None
    company_id: Field | None = None  # a record of the source's company feed
    company_name: Field | None = None
    ends_at: Field | None = None
    strength: Field | None = None  # of a job post how urgent, 0 to 1; of a visit how many pages
    topics: Field | None = None  # an array: technologies, repositories, pages
    evidence: Field | None = None  # an address where a person can see it
    title: Field | None = None
    person_email: Field | None = None
    person_name: Field | None = None
    rows: Callable[[ibis.Table], ibis.Table] | None = None


def daily_visits(source: str, table: str, precedence: int) -> SignalFeed:
    """Return the feed of a table with a row per company, day and page: all pages of a day are one visit.

    A company in brackets, such as (not set), is none.
    """

    def visits(rows: ibis.Table) -> ibis.Table:
        named = rows.filter(~rows["company_domain"].startswith("("))
        return named.group_by("date", "company_domain").agg(
            day_at=named["day_at"].max(),
            pages=named["page_path"].collect(distinct=True).sort(),
            page_views=named["page_views"].sum(),
        )

    return SignalFeed(
        source,
        table,
        kind="visit",
        signal_id=lambda rows: ibis.literal(f"{source}:") + rows["company_domain"] + ":" + rows["date"].cast("string"),
        at="day_at",
        precedence=precedence,
        lead="inbound",
        company_domain="company_domain",
        strength="page_views",
        topics="pages",
        rows=visits,
    )


@dataclass(frozen=True)
class CompetitorFeed:
    """A table with a row per piece of evidence that a company uses a competitor's product."""

    source: str
    table: str
    channel: Literal["job_posting", "youtube", "github", "manual_research", "conversation"]
    competitor: Field  # as the source names it
    at: Field
    evidence_id: Field
    precedence: int = 10
    company_domain: Field | None = None
    company_id: Field | None = None  # a record of the source's company feed
    company_name: Field | None = None
    confidence: Field | None = None  # 0 to 1
    evidence: Field | None = None  # an address where a person can see it
    quote: Field | None = None  # what was written; personal
    pain_points: Field | None = None  # an array
    rows: Callable[[ibis.Table], ibis.Table] | None = None


@dataclass(frozen=True)
class PartnerFeed:
    """A table with a row per partner company: its status and tier, what it is good at, whom it brought.

    The least `precedence` counts where two feeds know a partner, field by field.
    """

    source: str
    table: str
    precedence: int
    company_domain: Field | None = None
    company_name: Field | None = None
    partner_type: Field | None = None
    status: Field | None = None  # prospect, onboarding, active, paused, inactive
    tier: Field | None = None  # registered, silver, gold, platinum, strategic
    specializations: Field | None = None  # an array
    since: Field | None = None
    rows: Callable[[ibis.Table], ibis.Table] | None = None


@dataclass(frozen=True)
class ReferralFeed:
    """A table with a row per customer that a partner referred, sold to or implemented."""

    source: str
    table: str
    referral_id: Field
    partner_domain: Field
    customer_domain: Field | None
    customer_name: Field | None
    engagement: Field  # referred, co_sell, implemented, resold, influenced
    stage: Field  # submitted, accepted, in_progress, won, lost, live, churned
    at: Field
    precedence: int = 10
    amount: Field | None = None  # in major units
    currency: Field | None = None
    rows: Callable[[ibis.Table], ibis.Table] | None = None


@dataclass(frozen=True)
class PartnerEntryFeed:
    """A table with a row per fact about a partner that a person entered.

    The newest of a field wins over every other source. One that says `status` makes the company a partner.
    """

    source: str
    table: str
    entry_id: Field
    field: Field  # tier, status, specialisations, customers_referred, customers_implemented, revenue
    value: Field  # as text; a list is separated by semicolons, revenue is in the reporting currency
    effective_at: Field
    precedence: int = 10
    company_domain: Field | None = None
    company_name: Field | None = None
    rows: Callable[[ibis.Table], ibis.Table] | None = None


@dataclass(frozen=True)
class OverlapFeed:
    """A table with a row per company that a partner and we both have in our books."""

    source: str
    table: str
    partner_domain: Field
    is_their_customer: Field
    precedence: int = 10
    company_domain: Field | None = None
    company_name: Field | None = None
    rows: Callable[[ibis.Table], ibis.Table] | None = None


@dataclass(frozen=True)
class TrafficFeed:
    """A table with a row per day of the web site and where its sessions came from.

    Two systems that count one site count the same people: the least `precedence` counts, host by host.
    """

    source: str
    table: str
    precedence: int
    date: Field = "date"
    host: Field = "host"
    origin: Field = "source"  # (direct), google, a site
    medium: Field = "medium"
    campaign: Field = "campaign"
    sessions: Field = "sessions"
    users: Field = "users"
    conversions: Field | None = None
    rows: Callable[[ibis.Table], ibis.Table] | None = None


@dataclass(frozen=True)
class FirmographicFeed:
    """A table with a row per company and answer of a provider or a list: size, industry, country.

    All answers are kept; which one wins, field by field, is for the policy to say.
    """

    source: str
    table: str
    precedence: int
    retrieved_at: Field
    company_domain: Field | None = None
    company_id: Field | None = None  # a record of the source's company feed
    company_name: Field | None = None
    name: Field | None = None
    country: Field | None = None
    industry: Field | None = None
    employee_count: Field | None = None
    company_type: Field | None = None
    linkedin_company_url: Field | None = None
    rows: Callable[[ibis.Table], ibis.Table] | None = None


def answers_of(provider: str, precedence: int, **further: Field) -> FirmographicFeed:
    """Return the feed of a provider's answers about companies, as `ingest/enrichment` keeps them."""
    fields = ("name", "country", "industry", "employee_count", "linkedin_company_url")
    return FirmographicFeed(
        provider,
        f"{provider}/companies",
        precedence,
        retrieved_at="retrieved_at",
        company_domain="domain",
        rows=lambda answers: answers.filter(answers["outcome"] == "matched"),
        **{name: name for name in fields},
        **further,
    )


MarketFeed = (
    SignalFeed
    | CompetitorFeed
    | PartnerFeed
    | ReferralFeed
    | PartnerEntryFeed
    | OverlapFeed
    | TrafficFeed
    | FirmographicFeed
)
