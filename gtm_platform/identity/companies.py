"""`identity/companies`: the companies, by their domain. A record with an id only, or without a domain of its own, is a
company by itself; fuzzy names do not belong here.
"""

from collections.abc import Mapping, Sequence

import ibis

from gtm_platform.identity import normalise, person_records
from gtm_platform.identity.precedence import ranks
from gtm_platform.ingest.feeds import CompanyFeed, feed_rows, read
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.literals import NO_TEXTS, number
from gtm_platform.policy import Identity, Policy
from gtm_platform.policy import policy as current_policy
from gtm_platform.sources.feeds import company_feeds

METHODS = ("domain", "email_domain", "alone")
FEEDS = company_feeds()
WITH_IDS = [feed for feed in FEEDS if feed.id]
MAIL_RANK = len(FEEDS)  # people's addresses speak of a company after every feed

CONTRACT = Contract(
    {
        "company_id": Column("string", "Stable id, made of the domain.", nullable=False),
        "name": Column("string", "Its name, of the first source in precedence that has one; else the domain."),
        "domain": Column("string", "The company's domain; null for one that only has an id in some system."),
        "domains": Column("array<string>", "All its domains, sorted.", nullable=False),
        **{feed.ids_column: Column("array<string>", feed.ids_about, nullable=False) for feed in WITH_IDS},
        "match_method": Column(
            "string", "domain: a system says so; email_domain: its people's addresses do; alone.", nullable=False
        ),
        "match_confidence": Column("float64", "0 to 1, by method.", nullable=False, rule=lambda v: v.between(0, 1)),
    },
    key=("company_id",),
    about="One row per company and domain.",
    figures={"from_email_only": lambda t: (t["match_method"] == "email_domain").sum()},
)


def table(links: ibis.Table, records: Mapping[str, ibis.Table], policy: Policy) -> ibis.Table:
    """Return every company that a feed, or an address in the links, names."""
    rules = policy.identity
    stated = [(feed, feed_rows(feed, records[feed.table])) for feed in FEEDS]
    statements = ibis.union(*[_statements(feed, rows, rules) for feed, rows in stated], _by_mail(links, rules))
    main = _main_domains([(feed, rows) for feed, rows in stated if feed.other_domains], rules)
    statements = statements.left_join(main, "domain", rname="{name}_of_main")
    statements = statements.mutate(main=ibis.coalesce(statements["main"], statements["domain"]))
    ids = [person_records.named(feed.source, statements[feed.ids_column]) for feed in WITH_IDS if feed.stands_alone]
    key = ibis.coalesce(statements["main"], *ids)
    return _companies(statements.mutate(key=key).filter(lambda t: t["key"].notnull()), rules)


def references(companies: ibis.Table) -> ibis.Table:
    """Return [company, company_id]: everything by which a record can name a company."""
    by_domain = companies.select("company_id", company=companies["domains"].unnest())
    return ibis.union(by_domain, *[_by_id(companies, feed) for feed in WITH_IDS])


def _by_id(companies: ibis.Table, feed: CompanyFeed) -> ibis.Table:
    ids = companies.select("company_id", id=companies[feed.ids_column].unnest())
    return ids.select("company_id", company=person_records.named(feed.source, ids["id"]))


def _statements(feed: CompanyFeed, table: ibis.Table, rules: Identity) -> ibis.Table:
    """Return [rank, domain, name, <source>_company_ids…]: all that a feed says about companies."""
    rank = ranks(FEEDS, "company_name", rules)[feed.source]
    ids = {feed.ids_column: read(table, feed.id)} if feed.id else {}
    parts = [_statement(table, rank, read(table, feed.domain), rules, name=read(table, feed.name), **ids)]
    if feed.merged_ids and ids:
        merged = table.select(domain=read(table, feed.domain), loser=read(table, feed.merged_ids).unnest())
        parts.append(_statement(merged, rank, merged["domain"], rules, **{feed.ids_column: merged["loser"]}))
    if feed.other_domains:
        further = table.select(domain=read(table, feed.other_domains).unnest())
        parts.append(_statement(further, rank, further["domain"], rules))
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _by_mail(links: ibis.Table, rules: Identity) -> ibis.Table:
    mail = links.select(domain=normalise.domain(links["email"])).distinct()
    return _statement(mail, MAIL_RANK, mail["domain"], rules)


def _statement(t: ibis.Table, rank: int, site: ibis.Value, rules: Identity, **columns: ibis.Value) -> ibis.Table:
    absent = ibis.null("string")
    domain = normalise.site(site)
    names = ("name", *[feed.ids_column for feed in WITH_IDS])
    return t.select(
        rank=ibis.literal(rank, "int64"),
        domain=ibis.ifelse(normalise.is_free_mail(domain, rules), absent, domain),
        **{name: columns.get(name, absent).cast("string") for name in names},
    ).distinct()


def _main_domains(stated: Sequence[tuple[CompanyFeed, ibis.Table]], rules: Identity) -> ibis.Table:
    """Return [domain, main]: further domains of companies, and the one each company goes by.

    A domain that is some company's own is no other's further one; one that several claim goes to the first in the
    alphabet.
    """
    pairs = ibis.union(*[_further_domains(feed, rows, rules) for feed, rows in stated])
    own = ibis.union(*[_statement(rows, 0, read(rows, feed.domain), rules) for feed, rows in stated])
    further = pairs.anti_join(own.filter(lambda t: t["domain"].notnull()), "domain")
    return further.group_by("domain").agg(main=further["main"].min())


def _further_domains(feed: CompanyFeed, rows: ibis.Table, rules: Identity) -> ibis.Table:
    pairs = rows.select(further=read(rows, feed.other_domains).unnest(), main=normalise.site(read(rows, feed.domain)))
    pairs = pairs.select("main", domain=normalise.site(pairs["further"]))
    return pairs.filter(pairs["main"].notnull(), ~normalise.is_free_mail(pairs["main"], rules))


def _companies(statements: ibis.Table, rules: Identity) -> ibis.Table:
    names = ibis.struct({"rank": statements["rank"], "name": statements["name"]})
    companies = statements.group_by("key").agg(
        rank=statements["rank"].min(),
        first=names.min(where=statements["name"].notnull()),
        domain=statements["main"].min(),
        domains=_collected(statements["domain"]),
        **{feed.ids_column: _collected(statements[feed.ids_column]) for feed in WITH_IDS},
    )
    method = ibis.cases(
        (companies["domain"].isnull(), "alone"), (companies["rank"] < MAIL_RANK, "domain"), else_="email_domain"
    )
    sure = rules.confidence
    lists = ("domains", *[feed.ids_column for feed in WITH_IDS])
    return companies.select(
        company_id=ibis.literal("com_") + companies["key"].hexdigest("sha256").substr(0, 16),
        name=ibis.coalesce(companies["first"]["name"], companies["domain"]),
        domain="domain",
        **{name: ibis.coalesce(companies[name], NO_TEXTS).sort() for name in lists},
        match_method=method,
        match_confidence=method.cases(
            ("domain", number(sure.domain)), ("email_domain", number(sure.email_domain)), else_=number(1)
        ),
    )


def _collected(column: ibis.Value) -> ibis.Value:
    return column.collect(where=column.notnull(), distinct=True)


TABLE = DailyTable(
    "identity/companies",
    CONTRACT,
    inputs={
        "links": "identity/links",
        "records": {feed.table: feed.table for feed in FEEDS},
        "policy": current_policy,
    },
    rule=table,
)
