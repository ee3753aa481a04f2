"""Which companies lack facts that are wanted, those first that matter most. How they are asked about: `asking`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis

from gtm_platform.identity import companies as identity_companies
from gtm_platform.identity import normalise
from gtm_platform.identity.person_records import named
from gtm_platform.ingest.feeds import feed_rows, read
from gtm_platform.ingest.market_feeds import FirmographicFeed
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Policy
from gtm_platform.policy.enrichment import WantedField
from gtm_platform.sources.feeds import market_feeds

COMPANIES, CUSTOMERS = identity_companies.TABLE.key, "core/unified_customers"
EVERYTHING = "9999"  # sorts after every partition
FEEDS = market_feeds(FirmographicFeed)


@dataclass(frozen=True)
class Candidate:
    """A company that may be asked about: what is wanted of it, and what it is worth to us."""

    domain: str
    name: str | None
    missing: tuple[str, ...]
    mrr: float
    people: int


def candidates(lake: Lake, rules: Policy, without: Collection[str]) -> list[Candidate]:
    """Return the companies that lack a wanted fact, by MRR, then by people, then by domain.

    `without` are the domains that were asked about already. A company without a domain cannot be asked about.
    """
    day = max(lake.partitions(COMPANIES), default=None)
    if day is None:
        return []
    companies = lake.read_day(COMPANIES, day)
    wanted = rules.enrichment.wanted_fields
    rows = _with_worth(_with_facts(companies, lake, wanted), lake, day)
    lacking = rows.filter(
        rows["domain"].notnull(),
        ~normalise.is_free_mail(rows["domain"], rules.identity),
        ibis.or_(*(~rows[f"has_{field}"] for field in wanted)) if wanted else ibis.literal(False),
    )
    ordered = lacking.order_by(ibis.desc("mrr"), ibis.desc("people"), "domain").to_pyarrow().to_pylist()
    return [_candidate(row, wanted) for row in ordered if row["domain"] not in without]


def _candidate(row: Mapping[str, Any], wanted: Sequence[WantedField]) -> Candidate:
    missing = tuple(field for field in wanted if not row[f"has_{field}"])
    return Candidate(row["domain"], row["name"], missing, row["mrr"], row["people"])


def _with_facts(companies: ibis.Table, lake: Lake, wanted: Sequence[WantedField]) -> ibis.Table:
    """Add [has_<field>…]: whether any source says anything of it."""
    references = identity_companies.references(companies)
    statements = [_statements(feed, lake, wanted) for feed in FEEDS if feed.company_domain or feed.company_id]
    base = companies.select("company_id", "domain", "name")
    if not statements:
        return base.mutate(**{f"has_{field}": ibis.literal(False) for field in wanted})
    facts = ibis.union(*statements).inner_join(references, "company")
    stated = facts.group_by("company_id").agg(**{f"has_{field}": facts[field].any() for field in wanted})
    joined = base.left_join(stated, "company_id").drop("company_id_right")
    return joined.mutate(**{f"has_{field}": ibis.coalesce(joined[f"has_{field}"], False) for field in wanted})


def _statements(feed: FirmographicFeed, lake: Lake, wanted: Sequence[WantedField]) -> ibis.Table:
    """Return [company, <field>…]: of each row of a feed, whether it has the fact."""
    rows = feed_rows(feed, lake.as_of(feed.table, EVERYTHING))
    keys = [normalise.site(read(rows, feed.company_domain))] if feed.company_domain else []
    keys += [named(feed.source, read(rows, feed.company_id))] if feed.company_id else []
    return rows.select(
        company=ibis.coalesce(*keys), **{field: read(rows, getattr(feed, field)).notnull() for field in wanted}
    )


def _with_worth(companies: ibis.Table, lake: Lake, day: str) -> ibis.Table:
    """Add [mrr, people]: what its customers pay, and how many people of it we know."""
    customers = lake.read_day(CUSTOMERS, day)
    worth = customers.group_by("company_id").agg(
        mrr=customers["mrr_reporting"].sum(where=customers["is_customer"]), people=customers.count()
    )
    joined = companies.left_join(worth, "company_id").drop("company_id_right")
    return joined.mutate(
        mrr=ibis.coalesce(joined["mrr"].cast("float64"), 0.0), people=ibis.coalesce(joined["people"], 0)
    )
