"""What Reo.dev says of companies: what their developers did, and how large they are."""

import ibis

from gtm_platform.ingest.feeds import CompanyFeed
from gtm_platform.ingest.market_feeds import FirmographicFeed, SignalFeed
from gtm_platform.sources.developer_acts import KINDS, act_id

VISIT = "visit"


def _signals(activities: ibis.Table) -> ibis.Table:
    """Return what is a signal: an act on a repository by somebody who is known, or a visit."""
    is_act = activities["kind"].isin(KINDS) & activities["repository"].notnull() & activities["act"].notnull()
    return activities.filter(is_act | (activities["kind"] == VISIT))


def _signal_id(activities: ibis.Table) -> ibis.Value:
    """An act has the id that GitHub's own has, a visit one of Reo.dev's."""
    act = act_id(activities["kind"], activities["repository"], activities["act"])
    return ibis.ifelse(activities["kind"] == VISIT, ibis.literal("visit:reodev:") + activities["id"], act)


def _topics(activities: ibis.Table) -> ibis.Value:
    return ibis.array([ibis.coalesce(activities["repository"], activities["page"], activities["info"])])


def _employees(accounts: ibis.Table) -> ibis.Value:
    """Return the middle of the range; the least of one without an end."""
    least = accounts["employee_count_range"].re_extract(r"^(\d+)", 1).nullif("").try_cast("int64")
    most = accounts["employee_count_range"].re_extract(r"-(\d+)$", 1).nullif("").try_cast("int64")
    return (least + ibis.coalesce(most, least)) // 2


FEEDS = (
    CompanyFeed(
        "reodev",
        "reodev/accounts",
        precedence=140,
        domain="domain",
        id="id",
        name="name",
        ids_about="Its accounts at Reo.dev.",
    ),
    SignalFeed(
        "reodev",
        "reodev/activities",
        kind=lambda activities: activities["kind"],
        signal_id=_signal_id,
        at="occurred_on",
        precedence=20,  # it shows the day only, where GitHub shows the second
        lead="chroma_signal",
        company_domain="company_domain",
        company_id="account_id",
        company_name="company_name",
        topics=_topics,
        evidence="source_url",
        person_email="developer_email",
        person_name="developer_name",
        rows=_signals,
    ),
    FirmographicFeed(
        "reodev",
        "reodev/accounts",
        precedence=60,
        retrieved_at="_extracted_at",
        company_domain="domain",
        company_id="id",
        name="name",
        country="country",
        industry="industry",
        employee_count=_employees,
        linkedin_company_url="linkedin_url",
    ),
)
