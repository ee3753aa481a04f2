"""Which companies changed records touch, and of which nothing can be said before everything is computed anew.

A company is touched with its people, and by records of the market that name it: by a record of it, a domain, or a name.
Whoever could be meant is touched; what is computed of one company more than need be is only the same again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import ibis

from gtm_platform.delivery.hotpath.changes import Since, TakenWhole
from gtm_platform.identity import companies as company_rows
from gtm_platform.identity import normalise, person_records
from gtm_platform.ingest.feeds import AccountFeed, Field, feed_rows, read
from gtm_platform.ingest.market_feeds import (
    CompetitorFeed,
    FirmographicFeed,
    OverlapFeed,
    PartnerEntryFeed,
    PartnerFeed,
    ReferralFeed,
    SignalFeed,
)
from gtm_platform.lake.changed_records import ChangedRecords, ids_of
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.some_customers import COMPANY, CUSTOMER
from gtm_platform.sources.feeds import account_feeds, market_feeds, person_feeds

KINDS = (SignalFeed, CompetitorFeed, PartnerFeed, PartnerEntryFeed, ReferralFeed, OverlapFeed, FirmographicFeed)
ACCOUNTS = account_feeds()
RECORD_IDS = {feed.source: feed.id_column for feed in person_feeds()}
NO_IDS = frozenset[str]()


@dataclass(frozen=True)
class CompanyReach:
    """The companies that changed records touch, and those of which nothing can be said yet."""

    companies: frozenset[str] = NO_IDS
    undecided: frozenset[str] = NO_IDS
    changed_sources: frozenset[str] = NO_IDS
    waits_for: str = ""  # a table that was read whole, or whose records name no company: no company's rows are made


def companies_of(customers: frozenset[str], people: ibis.Table) -> frozenset[str]:
    """Return the companies whose people some customers are."""
    if not customers:
        return NO_IDS
    theirs = people.filter(people[CUSTOMER].isin(sorted(customers)), people[COMPANY].notnull())
    return ids_of(theirs.select(COMPANY))


def company_reach(since: Since, sources: Sequence[str], identity: Mapping[str, ibis.Table]) -> CompanyReach:
    """Find out which companies the changed records of some source tables name, now or before."""
    companies, changed_sources = set[str](), set[str]()
    for table in sources:
        try:
            changed = since.changed(table)
        except TakenWhole:
            return CompanyReach(waits_for=table)
        if changed is None:
            continue
        changed_sources.add(table)
        named = list(_named_in(table, changed, since))
        if not named:
            return CompanyReach(waits_for=table)
        companies |= _meant(ibis.union(*named) if len(named) > 1 else named[0], identity)
    return CompanyReach(frozenset(companies), changed_sources=frozenset(changed_sources))


def names_companies(table: str) -> bool:
    """Whether it is known which companies the records of a source table name."""
    return bool(_market_feeds(table)) or any(table in (feed.table, feed.usage) for feed in ACCOUNTS)


def _market_feeds(table: str) -> list[object]:
    return [feed for kind in KINDS for feed in market_feeds(kind) if feed.table == table]


def _named_in(table: str, changed: ChangedRecords, since: Since) -> Iterator[ibis.Table]:
    """Yield [record, domain, name, account] of what the changed records of a table name."""
    until = (date.fromisoformat(since.day) + timedelta(days=1)).isoformat()
    for rows, lake in ((changed.now, since.current), (changed.before, since.computed_of)):
        for feed in _market_feeds(table):
            yield from _by_feed(feed, rows)
        for feed in ACCOUNTS:
            if table == feed.table:
                yield _by_account(feed, rows)
            elif table == feed.usage:
                yield _by_account(feed, _accounts_of(feed, rows, lake, until))


def _by_feed(feed: object, rows: ibis.Table) -> Iterator[ibis.Table]:
    rows = feed_rows(feed, rows)  # type: ignore[arg-type]
    record: Field | None = getattr(feed, "company_id", None)
    name: Field | None = getattr(feed, "company_name", None)
    for field in ("company_domain", "partner_domain"):
        site: Field | None = getattr(feed, field, None)
        if site is not None or (field == "company_domain" and (record is not None or name is not None)):
            source = str(getattr(feed, "source"))  # noqa: B009  feeds of several kinds
            yield rows.select(
                record=person_records.named(source, read(rows, record)) if record else ibis.null("string"),
                domain=normalise.site(read(rows, site)),
                name=normalise.company_name(read(rows, name)),
                account=ibis.null("string"),
            )


def _by_account(feed: AccountFeed, rows: ibis.Table) -> ibis.Table:
    return rows.select(
        record=ibis.null("string"),
        domain=ibis.null("string"),
        name=normalise.company_name(read(rows, feed.company_name)),
        account=person_records.named(feed.source, read(rows, feed.id).cast("string")),
    )


def _accounts_of(feed: AccountFeed, rows: ibis.Table, lake: Lake, until: str) -> ibis.Table:
    """Return the accounts that rows of use are of."""
    used = rows.select(used_id=read(rows, feed.usage_account_id).cast("string")).distinct().view()
    accounts = lake.as_of(feed.table, until)
    return accounts.semi_join(used, read(accounts, feed.id).cast("string") == used["used_id"])


def _meant(named: ibis.Table, identity: Mapping[str, ibis.Table]) -> frozenset[str]:
    """Return all companies that could be meant."""
    companies, people = identity["identity/companies"], identity["identity/people"]
    references = company_rows.references(companies)
    names = companies.select(COMPANY, company=normalise.company_name(companies["name"]))
    accounts = [
        people.select(COMPANY, company=person_records.named(feed.source, people[RECORD_IDS[feed.source]]))
        for feed in ACCOUNTS
    ]
    parts = {"record": references, "domain": references, "name": names}
    lookups = [*parts.items(), *(("account", each) for each in accounts)]
    every = []
    for column, lookup in lookups:
        keys = named.filter(named[column].notnull()).select(company=named[column]).distinct().view()
        every.append(lookup.view().semi_join(keys, "company").select(COMPANY))
    meant = ibis.union(*every)
    return ids_of(meant.filter(meant[COMPANY].notnull()))
