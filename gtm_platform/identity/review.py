"""`identity/review`: who may be the same and was not tied together, or was and may be two; people as ids only.

A pair leaves the list when its two are one, or when a person has split them. Who is new is compared with everybody
near; the pairs of the day before are kept, so that a day costs what is new on it, and one without news nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import ibis
import pyarrow as pa

from gtm_platform.identity import decisions, normalise, person_records
from gtm_platform.identity.companies import references
from gtm_platform.identity.similar import (
    Likeness,
    neighbourhood,
    similar_companies,
    similar_customers,
    stated_by_records,
)
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, PreviousDay
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Identity, Policy
from gtm_platform.policy import policy as current_policy
from gtm_platform.state.identity_decisions import SPLIT, Decision

PERSON, COMPANY = "person", "company"
HELD_BACK, SIMILAR, SIMILAR_NAME, TWO_COMPANIES = "held_back", "similar", "similar_name", "two_companies"
RULES = (HELD_BACK, SIMILAR, SIMILAR_NAME, TWO_COMPANIES)

CONTRACT = Contract(
    {
        "kind": Column("string", "person or company.", nullable=False, rule=lambda v: v.isin([PERSON, COMPANY])),
        "first_id": Column("string", "A customer_id or company_id.", nullable=False),
        "second_id": Column("string", "The one that it may be the same as.", nullable=False),
        "rule": Column(
            "string",
            "held_back: what they share does not count; similar: their records say much the same; "
            "similar_name: companies by their names; two_companies: one customer, both ids being its own, of whose "
            "records an id alone may tie together addresses at two companies.",
            nullable=False,
            rule=lambda v: v.isin(RULES),
        ),
        "score": Column("float64", "How sure it is that they are the same, 0 to 1; null where a rule held them back."),
        "reason": Column("string", "Why they are listed.", nullable=False),
    },
    key=("kind", "first_id", "second_id", "rule"),
    about="Pairs of customers and of companies that may be the same, for a person to merge or leave.",
    figures={"people": lambda t: (t["kind"] == PERSON).sum(), "companies": lambda t: (t["kind"] == COMPANY).sum()},
)

Row = dict[str, Any]


def table(
    links: ibis.Table,
    companies: ibis.Table,
    records: person_records.Tables,
    previous: ibis.Table,
    previous_companies: ibis.Table,
    decided: Sequence[Decision],
    policy: Policy,
    day: date,
) -> pa.Table:
    """Return the pairs of the day."""
    rules = policy.identity.similar
    rows = [*_held_back(links), *_of_two_companies(links, companies, policy.identity)]
    before = engine().to_pyarrow(previous).to_pylist()
    customers = links.select("customer_id", "first_seen").distinct()
    rows += _still_apart(before, SIMILAR, customers.select(id="customer_id"))
    first_day = not _number(previous_companies)
    new = customers if first_day else customers.filter(customers["first_seen"] == ibis.literal(day))
    if _number(new := new.select("customer_id")):
        stated = stated_by_records(links, records, companies)
        near = neighbourhood(stated, "customer_id", ("name", "company", "email"), new)
        alike = similar_customers(engine().to_pyarrow(near), least=rules.people)
        rows += _listed(PERSON, SIMILAR, "their records say much the same", alike)
    rows += _contested_domains(companies)
    rows += _unsure_of_domain(companies)
    names = companies.select("company_id", "name")
    rows += _still_apart(before, SIMILAR_NAME, names.select(id="company_id"))
    if _number(new := names.anti_join(previous_companies, "company_id").select("company_id")):
        alike = similar_companies(
            engine().to_pyarrow(neighbourhood(names, "company_id", ("name",), new)), least=rules.companies
        )
        rows += _listed(COMPANY, SIMILAR_NAME, "their names mean the same", alike)
    split = _split_customers(links, decided) | _split_companies(companies, decided)
    latest = {(row["first_id"], row["second_id"], row["rule"]): row for row in rows}
    kept = [row for (first, second, _), row in sorted(latest.items()) if (first, second) not in split]
    return pa.Table.from_pylist(kept, schema=CONTRACT.schema.to_pyarrow())


def _number(rows: ibis.Table) -> int:
    return int(engine().to_pyarrow(rows.count()).as_py())


def _listed(kind: str, rule: str, reason: str, alike: Sequence[Likeness]) -> Iterator[Row]:
    for each in alike:
        yield {
            "kind": kind,
            "first_id": each.first,
            "second_id": each.second,
            "rule": rule,
            "score": each.score,
            "reason": reason,
        }


def _held_back(links: ibis.Table) -> Iterator[Row]:
    """Pair customers whom something would tie together that does not count: each with the first of them."""
    waiting = links.filter(links["held_back"])
    groups = waiting.group_by("held_back_group").agg(
        reason=waiting["reason"].min(), customers=waiting["customer_id"].collect(distinct=True).sort()
    )
    yield from _pairs_with_first(PERSON, engine().to_pyarrow(groups).to_pylist(), "customers")


def _of_two_companies(links: ibis.Table, companies: ibis.Table, rules: Identity) -> Iterator[Row]:
    """List customers who may be two: an id of some system ties addresses of two companies that systems know."""
    tied = links.filter(links["match_method"] == "shared_id").select("customer_id").distinct()
    mail = links.semi_join(tied, "customer_id").filter(lambda t: t["email"].notnull())
    mail = mail.filter(~normalise.is_shared_inbox(mail["email"], rules))
    mail = mail.select("customer_id", company=normalise.domain(mail["email"]))
    stated = companies.filter(companies["match_method"] == "domain")
    at = mail.join(references(stated), "company")
    several = at.group_by("customer_id").having(at["company_id"].nunique() > 1).agg(domains=_distinct(at["company"]))
    for row in engine().to_pyarrow(several.order_by("customer_id")).to_pylist():
        yield {
            "kind": PERSON,
            "first_id": row["customer_id"],
            "second_id": row["customer_id"],
            "rule": TWO_COMPANIES,
            "score": None,
            "reason": f"an id ties together addresses at {' and '.join(row['domains'])}",
        }


def _distinct(texts: ibis.Value) -> ibis.Value:
    return texts.collect(distinct=True).sort()


def _contested_domains(companies: ibis.Table) -> Iterator[Row]:
    """Pair companies of which systems say that they have the same domain: each with the first of them."""
    claims = companies.select("company_id", domain=companies["contested_domains"].unnest())
    owners = companies.select("company_id", "domain").semi_join(claims, "domain")
    had = claims.union(owners.select(*claims.columns)).distinct()
    groups = had.group_by("domain").agg(companies=had["company_id"].collect().sort())
    groups = groups.mutate(reason=ibis.literal("both are said to have the domain ") + groups["domain"])
    yield from _pairs_with_first(COMPANY, engine().to_pyarrow(groups).to_pylist(), "companies")


def _unsure_of_domain(companies: ibis.Table) -> Iterator[Row]:
    """Pair companies without a domain with those from whose domains their contacts write."""
    unsure = companies.filter(companies["contact_domains"].length() > 0)
    at = unsure.select("company_id", "contact_domains", domain=unsure["contact_domains"].unnest())
    owners = companies.select("domain", owner="company_id").filter(lambda t: t["domain"].notnull())
    pairs = at.join(owners, "domain").order_by("company_id", "owner")
    for row in engine().to_pyarrow(pairs).to_pylist():
        yield {
            "kind": COMPANY,
            "first_id": min(row["company_id"], row["owner"]),
            "second_id": max(row["company_id"], row["owner"]),
            "rule": HELD_BACK,
            "score": None,
            "reason": unsure_reason(row["company_id"], row["contact_domains"]),
        }


def unsure_reason(company: str, domains: Sequence[str]) -> str:
    """Say why a company without a domain is not taken for that of its contacts."""
    if len(domains) == 1:
        return f"{company} has no domain, and all its contacts write from {domains[0]}, which goes by another name"
    return f"{company} has no domain, and its contacts write from {' and '.join(domains)}"


def _pairs_with_first(kind: str, groups: Sequence[Row], members: str) -> Iterator[Row]:
    pairs: Mapping[tuple[str, str], str] = {
        (group[members][0], other): group["reason"] for group in groups for other in group[members][1:]
    }
    for (first, second), reason in sorted(pairs.items()):
        yield {
            "kind": kind,
            "first_id": first,
            "second_id": second,
            "rule": HELD_BACK,
            "score": None,
            "reason": reason,
        }


def _still_apart(before: Sequence[Row], rule: str, ids: ibis.Table) -> Iterator[Row]:
    """The pairs of the day before of which both are still there."""
    listed = [row for row in before if row["rule"] == rule]
    named = sorted({row[side] for row in listed for side in ("first_id", "second_id")})
    if not named:
        return
    living = {row["id"] for row in engine().to_pyarrow(ids.filter(ids["id"].isin(named)).distinct()).to_pylist()}
    yield from (row for row in listed if {row["first_id"], row["second_id"]} <= living)


def _split_customers(links: ibis.Table, decided: Sequence[Decision]) -> set[tuple[str, str]]:
    """The customers that a person has said are two."""
    pairs = decisions.splits(decided)
    if not pairs:
        return set()
    keys = decisions.keys_of(links)
    named = links.filter(keys.isin(sorted({record for pair in pairs for record in pair})))
    rows = engine().to_pyarrow(named.select("customer_id", key=decisions.keys_of(named))).to_pylist()
    customer = {row["key"]: row["customer_id"] for row in rows}
    both = [(customer[a], customer[b]) for a, b in pairs if a in customer and b in customer]
    return {(min(pair), max(pair)) for pair in both}


def _split_companies(companies: ibis.Table, decided: Sequence[Decision]) -> set[tuple[str, str]]:
    """The companies that a person has said are two."""
    pairs = decisions.company_pairs(decided, SPLIT)
    if not pairs:
        return set()
    named = references(companies)
    named = named.filter(named["company"].isin(sorted({name for pair in pairs for name in pair})))
    company = {row["company"]: row["company_id"] for row in engine().to_pyarrow(named).to_pylist()}
    both = [(company[a], company[b]) for a, b in pairs if a in company and b in company]
    return {(min(pair), max(pair)) for pair in both}


def is_listed(lake: Lake, first: str, second: str) -> bool:
    """Whether two customers or companies are listed as perhaps the same on the newest day."""
    if not (days := lake.partitions(TABLE.key)):
        return False
    pair = sorted((first, second))
    rows = lake.partition(TABLE.key, days[-1])
    rows = rows.filter(rows["first_id"].isin(pair), rows["second_id"].isin(pair)).select("first_id", "second_id")
    return any(sorted(row.values()) == pair for row in rows.to_pyarrow().to_pylist())


TABLE = DailyTable(
    "identity/review",
    CONTRACT,
    inputs={
        "links": "identity/links",
        "companies": "identity/companies",
        "records": person_records.TABLES,
        "previous": PreviousDay("identity/review"),
        "previous_companies": PreviousDay("identity/companies"),
        "decided": decisions.decisions_of_home,
        "policy": current_policy,
    },
    rule=table,
    eager=True,
)
