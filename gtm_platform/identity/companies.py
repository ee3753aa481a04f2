"""`identity/companies`: the companies, by the domain that each registered. A record with an id only, or without a
domain of its own, is a company by itself; fuzzy names do not belong here.
"""

from collections.abc import Mapping, Sequence

import ibis

from gtm_platform.identity import decisions, ids, normalise, person_records
from gtm_platform.identity.contacts_domains import (
    CONTACTS,
    contact_hosts,
    not_decided_apart,
    with_contacts_domains,
)
from gtm_platform.identity.domains import Lists, domain_lists, registered
from gtm_platform.identity.precedence import ranks
from gtm_platform.ingest.feeds import CompanyFeed, feed_rows, read
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, PreviousDay
from gtm_platform.lake.expressions.days import Day, as_scalar
from gtm_platform.lake.expressions.literals import NO_TEXTS, number
from gtm_platform.policy import Identity, Policy
from gtm_platform.policy import policy as current_policy
from gtm_platform.sources.feeds import company_feeds
from gtm_platform.state.identity_decisions import SPLIT, Decision

Pairs = Sequence[tuple[str, str]]
METHODS = ("domain", "contacts", "email_domain", "alone")
FEEDS = company_feeds()
WITH_IDS = [feed for feed in FEEDS if feed.id]
MAIL_RANK = len(FEEDS)  # people's addresses speak of a company after every feed

CONTRACT = Contract(
    {
        "company_id": Column("string", "Stable id, made of the domain that it went by at first.", nullable=False),
        "name": Column("string", "Its name, of the first source in precedence that has one; else the domain."),
        "domain": Column("string", "The company's domain; null for one that only has an id in some system."),
        "domains": Column("array<string>", "All its domains, sorted.", nullable=False),
        "hosts": Column(
            "array<string>", "Web hosts and domains of addresses by which records name it, sorted.", nullable=False
        ),
        **{feed.ids_column: Column("array<string>", feed.ids_about, nullable=False) for feed in WITH_IDS},
        "match_method": Column(
            "string",
            "domain: a system says so; contacts: all contacts of its record that has none write from it; email_domain: "
            "its people's addresses do; alone.",
            nullable=False,
        ),
        "match_confidence": Column("float64", "0 to 1, by method.", nullable=False, rule=lambda v: v.between(0, 1)),
        "first_seen": Column("date", "Day on which this company_id came about.", nullable=False),
        "former_ids": Column("array<string>", "Ids that went into this company when companies merged.", nullable=False),
        "contested_domains": Column(
            "array<string>", "Domains that a system says it has, as another company has, too.", nullable=False
        ),
        "placed_records": Column(
            "array<string>", "Records without a domain that are its own as all their contacts write from it.", False
        ),
        "contact_domains": Column(
            "array<string>",
            "Where it has no domain: those of its contacts, of which none is surely its own.",
            False,
        ),
    },
    key=("company_id",),
    about="One row per company and domain.",
    figures={"from_email_only": lambda t: (t["match_method"] == "email_domain").sum()},
)


def table(
    links: ibis.Table,
    records: Mapping[str, ibis.Table],
    contacts: Mapping[str, ibis.Table],
    lists: Lists,
    previous: ibis.Table,
    policy: Policy,
    day: Day,
    decided: Sequence[Decision] = (),
) -> ibis.Table:
    """Return every company that a feed, or an address in the links, names.

    `contacts` are person records that name a company's record; `previous` the companies of the newest day before.
    """
    rules, apart = policy.identity, decisions.company_pairs(decided, SPLIT)
    stated = [(feed, feed_rows(feed, records[feed.table])) for feed in FEEDS]
    statements = ibis.union(*[_statements(feed, rows, rules, apart) for feed, rows in stated], _by_mail(links))
    domains = registered(statements.view(), lists, rules)  # as a view at each use the engine makes it once
    statements = statements.view().left_join(domains.view(), "host", rname="{name}_of_host")
    claims = ibis.union(*[_claims(feed, rows) for feed, rows in stated if feed.other_domains])
    claims = _of_domains(claims, domains)
    names = _names(ibis.union(*[_own_names(feed, rows) for feed, rows in stated if feed.id]), domains)
    claims = not_decided_apart(claims.union(_rival_claims(claims.view(), names)), "main", "domain", apart)
    further, contested = _further_domains(claims)
    statements = statements.left_join(further, "domain", rname="{name}_of_further")
    statements = statements.mutate(main=ibis.coalesce(statements["main"], statements["domain"]))
    statements, unsure = with_contacts_domains(statements, contact_hosts(contacts), domains, further, names, apart)
    companies = _companies(_by_key(statements, decisions.company_merges(decided)), rules)
    companies = companies.left_join(contested, companies["domain"] == contested["main"]).drop("main")
    companies = companies.left_join(unsure, companies["key"] == unsure["record"]).drop("record")
    return _with_ids(companies, previous, day, decisions.company_set_free(decided))


def _by_key(statements: ibis.Table, merges: Mapping[str, str]) -> ibis.Table:
    """Return the statements with their company's `key`, its domain or else its record, after what people decided."""
    key = ibis.coalesce(statements["main"], statements["record"])
    statements = statements.mutate(key=key.cases(*merges.items(), else_=key) if merges else key)
    if domains := [name for name in merges.values() if not decisions.is_record(name)]:
        main = ibis.ifelse(statements["key"].isin(domains), statements["key"], statements["main"])
        statements = statements.mutate(main=main)
    return statements.filter(statements["key"].notnull())


def references(companies: ibis.Table) -> ibis.Table:
    """Return [company, company_id]: everything by which a record can name a company."""
    # Days that were made before hosts were noted have domains only.
    hosts = ibis.ifelse(companies["hosts"].length() > 0, companies["hosts"], companies["domains"])
    by_host = companies.select("company_id", company=hosts.unnest())
    return ibis.union(by_host, *[_by_id(companies, feed) for feed in WITH_IDS])


def _by_id(companies: ibis.Table, feed: CompanyFeed) -> ibis.Table:
    ids = companies.select("company_id", id=companies[feed.ids_column].unnest())
    return ids.select("company_id", company=person_records.named(feed.source, ids["id"]))


def _statements(feed: CompanyFeed, table: ibis.Table, rules: Identity, apart: Pairs = ()) -> ibis.Table:
    """Return [rank, host, record, name, <source>_company_ids…]: all that a feed says about companies.

    `record` names a record that is a company by itself where it has no domain, with those that were merged into it.
    """
    rank = ranks(FEEDS, "company_name", rules)[feed.source]
    ids = {feed.ids_column: read(table, feed.id)} if feed.id else {}
    record = person_records.named(feed.source, read(table, feed.id)) if feed.stands_alone else ibis.null("string")
    parts = [_statement(table, rank, read(table, feed.domain), record=record, name=read(table, feed.name), **ids)]
    if feed.merged_ids and ids:
        losers = read(table, feed.merged_ids).unnest()
        merged = table.select(domain=read(table, feed.domain), record=record, loser=losers)
        columns = {"record": merged["record"], feed.ids_column: merged["loser"]}
        parts.append(_statement(merged, rank, merged["domain"], **columns))
    if feed.other_domains:
        further = not_decided_apart(_further_hosts(feed, table), "own", "host", apart)
        parts.append(_statement(further, rank, further["host"]))
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _by_mail(links: ibis.Table) -> ibis.Table:
    mail = links.select(domain=normalise.domain(links["email"])).distinct()
    return _statement(mail, MAIL_RANK, mail["domain"])


def _statement(t: ibis.Table, rank: int, site: ibis.Value, **columns: ibis.Value) -> ibis.Table:
    names = ("record", "name", *[feed.ids_column for feed in WITH_IDS])
    return t.select(
        rank=ibis.literal(rank, "int64"),
        host=normalise.site(site),
        **{name: columns.get(name, ibis.null("string")).cast("string") for name in names},
    ).distinct()


def _claims(feed: CompanyFeed, rows: ibis.Table) -> ibis.Table:
    """Return [own, host]: each company's own host with each of its further ones, and with itself."""
    own = normalise.site(read(rows, feed.domain))
    return _further_hosts(feed, rows).union(rows.select(own=own, host=own))


def _further_hosts(feed: CompanyFeed, rows: ibis.Table) -> ibis.Table:
    """Return [own, host]: each company's own host with each of its further ones."""
    pairs = rows.select(own=normalise.site(read(rows, feed.domain)), host=read(rows, feed.other_domains).unnest())
    return pairs.select("own", host=normalise.site(pairs["host"]))


def _of_domains(claims: ibis.Table, domains: ibis.Table) -> ibis.Table:
    """Return [main, domain] of the claims: a company's own domain and one that it has."""
    own = claims.join(domains.view().select(own="host", main="domain"), "own")
    return own.join(domains.view().select("host", "domain"), "host").select("main", "domain").distinct()


def _own_names(feed: CompanyFeed, rows: ibis.Table) -> ibis.Table:
    """Return [host, name] of the feed's companies."""
    return rows.select(host=normalise.site(read(rows, feed.domain)), name=normalise.company_name(read(rows, feed.name)))


def _names(own_names: ibis.Table, domains: ibis.Table) -> ibis.Table:
    """Return [domain, name]: what systems call the company that goes by a domain."""
    named = own_names.filter(own_names["name"].notnull())
    return named.join(domains.view().select("host", "domain"), "host").select("domain", "name").distinct()


def _rival_claims(claims: ibis.Table, names: ibis.Table) -> ibis.Table:
    """Return the claims of companies that go by a further domain of another, in some system and under another name."""
    further = claims.filter(claims["main"] != claims["domain"])
    called = further.join(names.view(), "domain").select("main", "domain", "name")
    strangers = called.anti_join(names.view().rename(main="domain"), ["main", "name"])
    return strangers.select(main="domain", domain=strangers["domain"]).distinct()


def _further_domains(claims: ibis.Table) -> tuple[ibis.Table, ibis.Table]:
    """Return [domain, main] of each further domain that one company alone has, and [main, contested_domains].

    A domain that is some company's own, or that several claim, makes them no one company; each keeps it by its claim.
    """
    each = claims.view()
    had = each.group_by("domain").agg(
        main=each["main"].min(), last=each["main"].max(), own=(each["main"] == each["domain"]).any()
    )
    several = claims.view().semi_join(had.view().filter(lambda t: t["main"] != t["last"]), "domain")
    several = several.filter(several["main"] != several["domain"])
    contested = several.group_by("main").agg(contested_domains=several["domain"].collect().sort())
    return had.view().filter(lambda t: t["main"] == t["last"], lambda t: ~t["own"]).select("domain", "main"), contested


def _companies(statements: ibis.Table, rules: Identity) -> ibis.Table:
    """Return the companies without their ids, by their `key`."""
    names = ibis.struct({"rank": statements["rank"], "name": statements["name"]})
    companies = statements.group_by("key").agg(
        rank=statements["rank"].min(where=~statements["placed"]),
        first=names.min(where=statements["name"].notnull()),
        domain=statements["main"].min(),
        domains=_collected(statements["domain"]),
        registered=_collected(statements["registered"]),
        hosts=_collected(statements["host"]),
        **{feed.ids_column: _collected(statements[feed.ids_column]) for feed in WITH_IDS},
        placed_records=statements["record"].collect(where=statements["placed"], distinct=True),
    )
    placed_records = ibis.coalesce(companies["placed_records"], NO_TEXTS).sort()
    method = ibis.cases(
        (companies["domain"].isnull(), "alone"),
        (companies["rank"] < MAIL_RANK, "domain"),
        (placed_records.length() > 0, "contacts"),
        else_="email_domain",
    )
    sure = rules.confidence
    domains = companies["domains"].concat(companies["registered"])
    return companies.select(
        "key",
        name=ibis.coalesce(companies["first"]["name"], companies["domain"]),
        domain="domain",
        domains=domains.unique().sort(),
        # Only one that goes by a domain has hosts: those of mail providers are nobody's.
        hosts=ibis.ifelse(companies["domain"].notnull(), companies["hosts"].concat(domains).unique().sort(), NO_TEXTS),
        **{feed.ids_column: companies[feed.ids_column].sort() for feed in WITH_IDS},
        match_method=method,
        match_confidence=method.cases(
            ("domain", number(sure.domain)),
            ("contacts", number(sure.contacts)),
            ("email_domain", number(sure.email_domain)),
            else_=number(1),
        ),
        placed_records=placed_records,
    )


def _collected(column: ibis.Value) -> ibis.Value:
    return ibis.coalesce(column.collect(where=column.notnull(), distinct=True), NO_TEXTS)


MAY_BE_NULL = ("contested_domains", "contact_domains")
OWN, FURTHER, BY_ID = 0, 1, 2  # by what a company of before is known again, the surest first


def _with_ids(companies: ibis.Table, previous: ibis.Table, day: Day, freed: Sequence[str]) -> ibis.Table:
    """Return the companies with the id that they had; of a new one it is made of what it goes by."""
    members = _members(companies, "key").rename(label="key")
    before = _members(previous, "company_id").rename(id="company_id")
    seen = previous.select(
        id="company_id",
        first_seen=ibis.coalesce(previous["first_seen"], as_scalar(day)),
        aliases=ibis.coalesce(previous["former_ids"], NO_TEXTS),
    )
    before = before.select("id", "node", "name").join(seen, "id")
    set_free = members.filter(members["name"].isin(freed)) if freed else None
    assigned = ids.assigned(members, None, before, day, set_free, begin=ids.COMPANY)
    named = assigned.select("first_seen", key="label", company_id="id", former_ids="aliases")
    rows = companies.view().join(named, "key")
    return rows.select(
        "company_id",
        *[name for name in companies.columns if name not in ("key", *MAY_BE_NULL)],
        "first_seen",
        "former_ids",
        **{name: ibis.coalesce(rows[name], NO_TEXTS) for name in MAY_BE_NULL},
    )


def _members(rows: ibis.Table, id: str) -> ibis.Table:
    """Return [id, node, name, created] of each domain and each id of companies, the main domain as the oldest."""
    parts = [
        rows.view().select(id, name="domain", created=ibis.literal(OWN, "int64")),
        rows.view().select(id, name=lambda t: t["domains"].unnest(), created=ibis.literal(FURTHER, "int64")),
    ]
    for feed in WITH_IDS:
        if feed.stands_alone:
            each = rows.view().select(id, record=lambda t, column=feed.ids_column: t[column].unnest())
            by_id = person_records.named(feed.source, each["record"])
            parts.append(each.select(id, name=by_id, created=ibis.literal(BY_ID, "int64")))
    members = ibis.union(*parts).filter(lambda t: t["name"].notnull())
    members = members.group_by(id, "name").agg(created=members["created"].min())
    return members.mutate(node=person_records.xxhash64(members["name"]))


TABLE = DailyTable(
    "identity/companies",
    CONTRACT,
    inputs={
        "links": "identity/links",
        "records": {feed.table: feed.table for feed in FEEDS},
        "contacts": CONTACTS,
        "lists": domain_lists,
        "previous": PreviousDay("identity/companies"),
        "policy": current_policy,
        "decided": decisions.decisions_of_home,
    },
    rule=table,
)
