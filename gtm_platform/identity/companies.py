"""`identity/companies`: the companies, told apart by domain. What names a company only by an id, or has no domain of
its own, stands for itself; fuzzy names do not belong here.
"""

import ibis

from gtm_platform.identity import normalise, records
from gtm_platform.identity.ids import NONE
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.literals import number
from gtm_platform.policy import Identity, Policy
from gtm_platform.policy import policy as current_policy

METHODS = ("domain", "email_domain", "alone")

CONTRACT = Contract(
    {
        "company_id": Column("string", "Stable id, made of the domain.", nullable=False),
        "name": Column("string", "HubSpot's name, else Intercom's, else the domain."),
        "domain": Column("string", "The company's domain; null for one known by its HubSpot id alone."),
        "domains": Column("array<string>", "All its domains, sorted.", nullable=False),
        "hubspot_company_ids": Column("array<string>", "Its records in HubSpot, merged ones included.", nullable=False),
        "intercom_company_ids": Column("array<string>", "Its records in Intercom.", nullable=False),
        "match_method": Column(
            "string", "domain: a system says so; email_domain: its people's addresses do; alone.", nullable=False
        ),
        "match_confidence": Column("float64", "0 to 1, by method.", nullable=False, rule=lambda v: v.between(0, 1)),
    },
    key=("company_id",),
    about="One row per company, known by its domain.",
    figures={"from_email_only": lambda t: (t["match_method"] == "email_domain").sum()},
)

SYSTEMS = {"hubspot": 0, "intercom": 1, "stripe": 2}  # whose word counts first; people's addresses come last
MAIL = 3


def table(
    links: ibis.Table, hubspot: ibis.Table, intercom: ibis.Table, stripe_customers: ibis.Table, policy: Policy
) -> ibis.Table:
    rules = policy.identity
    told = _told(links, hubspot, intercom, stripe_customers, rules)
    main = _main_domains(hubspot, rules)
    told = told.left_join(main, "domain", rname="{name}_of_main")
    told = told.mutate(main=ibis.coalesce(told["main"], told["domain"]))
    key = ibis.coalesce(told["main"], records.named("hubspot", told["hubspot_id"]))
    return _companies(told.mutate(key=key).filter(lambda t: t["key"].notnull()), rules)


def references(companies: ibis.Table) -> ibis.Table:
    """[company, company_id]: everything by which a record can name a company."""
    ways = [
        companies.select("company_id", company=companies["domains"].unnest()),
        *[_named(companies, source) for source in ("hubspot", "intercom")],
    ]
    return ibis.union(*ways)


def _named(companies: ibis.Table, source: str) -> ibis.Table:
    named = companies.select("company_id", id=companies[f"{source}_company_ids"].unnest())
    return named.select("company_id", company=records.named(source, named["id"]))


def _told(
    links: ibis.Table, hubspot: ibis.Table, intercom: ibis.Table, stripe_customers: ibis.Table, rules: Identity
) -> ibis.Table:
    """[rank, domain, name, hubspot_id, intercom_id]: all that anyone says about companies."""
    mail = links.select(domain=normalise.domain(links["email"])).distinct()
    merged = hubspot.select("domain", other=hubspot["merged_ids"].unnest())
    more = hubspot.select(site=hubspot["additional_domains"].unnest())
    return ibis.union(
        _saying(hubspot, SYSTEMS["hubspot"], hubspot["domain"], rules, hubspot_id=hubspot["id"], name=hubspot["name"]),
        _saying(merged, SYSTEMS["hubspot"], merged["domain"], rules, hubspot_id=merged["other"]),
        _saying(more, SYSTEMS["hubspot"], more["site"], rules),
        _saying(
            intercom, SYSTEMS["intercom"], intercom["website"], rules, intercom_id=intercom["id"], name=intercom["name"]
        ),
        _saying(stripe_customers, SYSTEMS["stripe"], stripe_customers["company_domain"], rules),
        _saying(mail, MAIL, mail["domain"], rules),
    )


def _saying(t: ibis.Table, rank: int, site: ibis.ir.StringValue, rules: Identity, **known: ibis.Value) -> ibis.Table:
    absent = ibis.null("string")
    domain = normalise.site(site)
    return t.select(
        rank=ibis.literal(rank, "int64"),
        domain=ibis.ifelse(normalise.is_free_mail(domain, rules), absent, domain),
        **{column: known.get(column, absent).cast("string") for column in ("name", "hubspot_id", "intercom_id")},
    ).distinct()


def _main_domains(hubspot: ibis.Table, rules: Identity) -> ibis.Table:
    """[domain, main]: further domains of companies in HubSpot, and the one each company goes by. A domain that is
    some company's own is no other's further one; one that several claim goes to the first in the alphabet."""
    own = _saying(hubspot, 0, hubspot["domain"], rules).filter(lambda t: t["domain"].notnull())
    pairs = hubspot.select(further=hubspot["additional_domains"].unnest(), main=normalise.site(hubspot["domain"]))
    pairs = pairs.select("main", domain=normalise.site(pairs["further"]))
    pairs = pairs.filter(pairs["main"].notnull(), ~normalise.is_free_mail(pairs["main"], rules))
    return pairs.anti_join(own, "domain").group_by("domain").agg(main=pairs["main"].min())


def _companies(told: ibis.Table, rules: Identity) -> ibis.Table:
    names = ibis.struct({"rank": told["rank"], "name": told["name"]})
    found = told.group_by("key").agg(
        rank=told["rank"].min(),
        named=names.min(where=told["name"].notnull()),
        domain=told["main"].min(),
        domains=told["domain"].collect(where=told["domain"].notnull(), distinct=True),
        hubspot_company_ids=told["hubspot_id"].collect(where=told["hubspot_id"].notnull(), distinct=True),
        intercom_company_ids=told["intercom_id"].collect(where=told["intercom_id"].notnull(), distinct=True),
    )
    method = ibis.cases((found["domain"].isnull(), "alone"), (found["rank"] < MAIL, "domain"), else_="email_domain")
    sure = rules.confidence
    return found.select(
        company_id=ibis.literal("com_") + found["key"].hexdigest("sha256").substr(0, 16),
        name=ibis.coalesce(found["named"]["name"], found["domain"]),
        domain="domain",
        **{c: ibis.coalesce(found[c], NONE).sort() for c in ("domains", "hubspot_company_ids", "intercom_company_ids")},
        match_method=method,
        match_confidence=method.cases(
            ("domain", number(sure.domain)), ("email_domain", number(sure.email_domain)), else_=number(1)
        ),
    )


TABLE = DailyTable(
    "identity/companies",
    CONTRACT,
    inputs={
        "links": "identity/links",
        "hubspot": "hubspot/companies",
        "intercom": "intercom/companies",
        "stripe_customers": "stripe/customers",
        "policy": current_policy,
    },
    rule=table,
)
