"""What Sumble says of companies: who hires for AI, and whose job posts name a competitor's product."""

import ibis

from gtm_platform.ingest.feeds import CompanyFeed
from gtm_platform.ingest.market_feeds import CompetitorFeed, FirmographicFeed, SignalFeed

OLDEST = 90  # days after which a post says nothing more
MANY = 5  # posts, of which more make nothing more urgent
SENIOR = ("Senior", "Lead", "Staff", "Principal", "Director", "Head", "VP", "C-Level")
DAY = 86_400


def urgent(jobs: ibis.Table) -> ibis.Table:
    """Add `urgency_score` of the organisation, 0 to 100.

    40 for recency, 30 for the number of posts, 20 for a competitor's product in use, 10 for somebody senior.
    """
    own = ibis.window(group_by="organization_id")
    age = (jobs["_window"].max().over(ibis.window()).epoch_seconds() - jobs["posted_at"].epoch_seconds()) / DAY
    seniority = [jobs["job_levels"].contains(level) for level in SENIOR]
    jobs = jobs.mutate(
        age_days=age,
        is_recent=age <= OLDEST,
        uses_competitor=(jobs["used_competitors"].length() > 0).cast("int64"),
        is_senior=ibis.or_(*seniority).cast("int64"),
    )
    recency = (1 - jobs["age_days"].min().over(own) / OLDEST).clip(0.0, 1.0)
    posts = jobs["is_recent"].cast("int64").sum().over(own) / MANY
    score = (
        40 * recency
        + 30 * posts.clip(0.0, 1.0)
        + 20 * jobs["uses_competitor"].max().over(own)
        + 10 * jobs["is_senior"].max().over(own)
    )
    return jobs.mutate(urgency_score=score.cast("float64"))


def _hiring(jobs: ibis.Table) -> ibis.Table:
    """Return the posts that are a signal; who only runs a competitor's product is not hiring for AI."""
    scored = urgent(jobs)
    return scored.filter((scored["watched_functions"].length() > 0) | (scored["topics"].length() > 0))


def _mentions(jobs: ibis.Table) -> ibis.Table:
    """Return a row per post and competitor in it."""
    naming = jobs.filter(jobs["competitors"].length() > 0)
    naming = naming.mutate(competitor=naming["competitors"].unnest())
    return naming.mutate(is_used=naming["used_competitors"].contains(naming["competitor"]))


def _job_id(jobs: ibis.Table) -> ibis.Value:
    return ibis.literal("job:") + jobs["id"]


FEEDS = (
    CompanyFeed(
        "sumble",
        "sumble/organizations",
        precedence=120,
        domain="domain",
        id="id",
        name="name",
        ids_about="Its organisations at Sumble.",
    ),
    SignalFeed(
        "sumble",
        "sumble/jobs",
        kind="job",
        signal_id=_job_id,
        at="posted_at",
        lead="chroma_signal",
        company_domain="company_domain",
        company_id="organization_id",
        company_name="company_name",
        strength=lambda jobs: jobs["urgency_score"] / 100,
        topics=lambda jobs: jobs["topics"].concat(jobs["competitors"]),
        evidence="url",
        title="title",
        rows=_hiring,
    ),
    CompetitorFeed(
        "sumble",
        "sumble/jobs",
        channel="job_posting",
        competitor="competitor",
        at="posted_at",
        evidence_id=lambda jobs: _job_id(jobs) + ":" + jobs["competitor"],
        company_domain="company_domain",
        company_id="organization_id",
        company_name="company_name",
        confidence=lambda jobs: ibis.ifelse(jobs["is_used"], 0.9, 0.5),
        evidence="url",
        quote="title",
        rows=_mentions,
    ),
    FirmographicFeed(
        "sumble",
        "sumble/organizations",
        precedence=40,
        retrieved_at="_extracted_at",
        company_domain="domain",
        company_id="id",
        name="name",
        country="country",
        industry="industry",
        employee_count="employee_count",
    ),
)
