"""What GitHub says of companies: whose people star, fork and write, and whose code imports a competitor's package."""

import ibis

from gtm_platform.ingest.feeds import CompanyFeed
from gtm_platform.ingest.market_feeds import CompetitorFeed, SignalFeed
from gtm_platform.sources.developer_acts import act_id

PAGE = "https://github.com/"


def _with_company(table: ibis.Table) -> ibis.Table:
    return table.filter(table["company_domain"].notnull() | table["company_name"].notnull())


def _exact(imports: ibis.Table) -> ibis.Table:
    """Return the files that name the very package, of a company that is known."""
    return _with_company(imports).filter(lambda table: table["fragment"].notnull())


def _topics(table: ibis.Table) -> ibis.Value:
    return ibis.array([table["repository"]])


FEEDS = (
    *(
        CompanyFeed("github", table, precedence=150, domain="company_domain", name="company_name", rows=rows)
        for table, rows in (("github/users", None), ("github/forks", None), ("github/code_imports", _exact))
    ),
    SignalFeed(
        "github",
        "github/stars",
        kind="star",
        signal_id=lambda stars: act_id("star", stars["repository"], stars["login"]),
        at="starred_at",
        lead="chroma_signal",
        company_domain="company_domain",
        company_name="company_name",
        topics=_topics,
        evidence=lambda stars: ibis.literal(PAGE) + stars["repository"],
        person_email="email",
        person_name="name",
        rows=_with_company,
    ),
    SignalFeed(
        "github",
        "github/forks",
        kind="fork",
        signal_id=lambda forks: act_id("fork", forks["repository"], forks["login"]),
        at="created_at",
        lead="chroma_signal",
        company_domain="company_domain",
        company_name="company_name",
        topics=_topics,
        evidence="url",
        person_email="email",
        person_name="name",
        rows=_with_company,
    ),
    SignalFeed(
        "github",
        "github/issues",
        kind=lambda issues: issues["kind"],
        signal_id=lambda issues: act_id(issues["kind"], issues["repository"], issues["number"]),
        at="created_at",
        lead="chroma_signal",
        company_domain="company_domain",
        company_name="company_name",
        topics=_topics,
        evidence="url",
        title="title",
        person_email="email",
        person_name="name",
        rows=_with_company,
    ),
    CompetitorFeed(
        "github",
        "github/code_imports",
        channel="github",
        competitor="competitor",
        at="seen_at",
        evidence_id=lambda code: ibis.literal("code:") + code["repository_id"] + ":" + code["path"],
        company_domain="company_domain",
        company_name="company_name",
        confidence=lambda code: ibis.ifelse(code["owner_type"] == "Organization", 0.9, 0.4),
        evidence="url",
        quote="fragment",
        rows=_exact,
    ),
)
