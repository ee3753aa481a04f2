"""Whom a changed record may tie to others, so that who is who has to be computed before anything is said of them.

A new record may be somebody's whom we know, or make two of them one; a changed address may take a record away. All who
could be meant are undecided until the next computation of everything. It is generous on purpose: an undecided customer
waits some minutes, a wrong one is wrong.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import ibis

from gtm_platform.delivery.hotpath.changes import Since
from gtm_platform.identity import companies as company_rows
from gtm_platform.identity import normalise, person_records
from gtm_platform.identity.person_records import FEEDS
from gtm_platform.ingest.feeds import CompanyFeed, PersonFeed, feed_rows, read
from gtm_platform.lake.changed_records import ChangedRecords, ids_of, rows_of
from gtm_platform.lake.expressions.literals import NO_TEXTS
from gtm_platform.lake.some_customers import CUSTOMER
from gtm_platform.policy import policy

COMPANY_FEEDS = company_rows.FEEDS
SAID = ("email", "email_rank", "other_emails", "company", "shared_ids")


@dataclass(frozen=True)
class Undecided:
    """Who may be another, or two; how many records are nobody's; whether a company may be another."""

    customers: frozenset[str]
    unknown_records: int
    sources: frozenset[str]  # of records that say otherwise than before who they are
    company: str = ""  # a table in which a company's record changed
    companies: frozenset[str] = frozenset()  # to which somebody new may belong


def undecided(since: Since, tables: Mapping[str, ibis.Table], companies_differ: Callable[[], bool]) -> Undecided:
    """Return what changed records leave undecided; `tables` are the identity tables of the day, whole.

    Where something else is said of companies than before, it is asked whether they `companies_differ` because of it.
    """
    for stated in COMPANY_FEEDS:
        changed = since.changed(stated.table)
        if changed and _company_changed(stated, changed, since):
            if companies_differ():
                return Undecided(frozenset(), 0, frozenset(), stated.table)
            break
    customers, unknown, sources = set[str](), 0, set[str]()
    moved = []
    for feed in FEEDS:
        changed = since.changed(feed.table)
        if changed is None:
            continue
        records, own, new = _moved(feed, changed, tables["identity/links"], since.day)
        customers |= own
        unknown += new
        if records is not None:
            moved.append(records)
            sources.add(feed.source)
    customers |= _former(since, tables)
    companies = frozenset[str]()
    if moved:
        every = (ibis.union(*moved) if len(moved) > 1 else moved[0]).view()
        at = _companies_named(every, tables["identity/companies"])
        customers |= _tied(every, at, since, tables)
        companies = ids_of(at.select("company_id"))
    return Undecided(frozenset(customers), unknown, frozenset(sources), companies=companies)


def _moved(
    feed: PersonFeed, changed: ChangedRecords, links: ibis.Table, day: str
) -> tuple[ibis.Table | None, frozenset[str], int]:
    """Return the records that say otherwise than before who they are, whose they were, and how many are nobody's."""
    now, before = _identities(feed, changed.now), _identities(feed, changed.before)
    linked = links.filter(links["source"] == feed.source)
    first_seen, count = linked["first_seen"].cast("string"), linked.count().over(ibis.window(group_by=CUSTOMER))
    linked = linked.select(CUSTOMER, "record_id", is_new=first_seen == day, records=count).view()
    if feed.rows:  # made of several rows each, of which only some changed
        differing = now.anti_join(linked, "record_id").view()
        unsure = now.join(linked.filter((linked["records"] > 1) | linked["is_new"]), "record_id")
        own = ids_of(unsure.select(CUSTOMER))
    else:
        differing = now.difference(before).union(before.difference(now)).view()
        own = ids_of(differing.join(linked, "record_id").select(CUSTOMER)) | _speaking(feed, changed, linked)
    ((records, new),) = rows_of(
        differing.left_join(linked, "record_id").aggregate(
            records=lambda t: t.count(), new=lambda t: t["customer_id"].isnull().sum()
        )
    )
    return (differing if records else None), own, int(str(new or 0))


def _identities(feed: PersonFeed, rows: ibis.Table) -> ibis.Table:
    """Return what records say of who they are, in one form."""
    present = rows.filter(~rows["_deleted"])
    records = person_records.records_of(feed, present)
    merged = NO_TEXTS
    if feed.merged_ids and not feed.rows:
        ids = present.select(record_id=read(present, feed.id), merged=read(present, feed.merged_ids))
        records = records.left_join(ids, "record_id", rname="{name}_of_merged")
        merged = records["merged"].fill_null(NO_TEXTS)
    return records.select(
        "source",
        "record_id",
        *SAID,
        rank=records["place"]["rank"],
        created=records["created"],
        merged=merged.cast("array<string>"),
    )


def _speaking(feed: PersonFeed, changed: ChangedRecords, linked: ibis.Table) -> frozenset[str]:
    """Return the customers with several records of the source, of which another may speak for them now."""
    if feed.seen_at is None:
        return frozenset()
    rows = changed.rows.select(record_id=read(changed.rows, feed.id)).distinct()
    return ids_of(rows.join(linked.filter(linked["records"] > 1), "record_id").select(CUSTOMER))


def _former(since: Since, tables: Mapping[str, ibis.Table]) -> frozenset[str]:
    """Return the customers of records that are gone from their system and are named otherwise now.

    They are whose such a record was, and who has its address or carries its id.
    """
    links, former = tables["identity/links"], tables["identity/former_records"]
    customers = frozenset[str]()
    for feed in FEEDS:
        present = links.filter(links["source"] == feed.source)
        for mention in feed.mentions:
            changed = since.changed(mention.table)
            if changed is None:
                continue
            rows = changed.rows
            named = rows.select(
                record_id=read(rows, mention.record_id), email=normalise.email(read(rows, mention.email))
            )
            gone = rows_of(named.filter(named["record_id"].notnull()).anti_join(present, "record_id").distinct())
            if not gone:
                continue
            ids = [str(id) for id, _ in gone]
            were = former.filter((former["source"] == feed.source) & former["record_id"].isin(ids))
            traits = _traits(_everybody(since))
            named_now = [person_records.shared_id(feed.source, id) for id in ids] + [
                str(mail) for _, mail in gone if mail
            ]
            theirs = links.semi_join(traits.filter(traits["trait"].isin(named_now)).view(), ["source", "record_id"])
            customers |= ids_of(were.select(CUSTOMER).union(theirs.select(CUSTOMER)))
    return customers


def _companies_named(moved: ibis.Table, companies: ibis.Table) -> ibis.Table:
    """Return [company, company_id] of the companies that records name, or whose address they have."""
    named = moved.select("company").union(moved.select(company=normalise.domain(moved["email"]))).distinct()
    return company_rows.references(companies).semi_join(named.filter(named["company"].notnull()), "company")


def _tied(moved: ibis.Table, at: ibis.Table, since: Since, tables: Mapping[str, ibis.Table]) -> frozenset[str]:
    """Return all whose records have an address, an id or a company in common with records that moved."""
    links, people = tables["identity/links"], tables["identity/people"]
    everybody = _everybody(since)
    shared = _traits(everybody).semi_join(_traits(moved.select(*everybody.columns)).view(), "trait")
    by_trait = ids_of(links.semi_join(shared, ["source", "record_id"]).select(CUSTOMER))
    losers = moved.select("source", record_id=moved["merged"].unnest())
    by_merge = ids_of(links.semi_join(losers, ["source", "record_id"]).select(CUSTOMER))
    by_company = ids_of(people.semi_join(at, "company_id").select(CUSTOMER))
    return by_trait | by_merge | by_company


def _everybody(since: Since) -> ibis.Table:
    """Return what the records of everybody said of who they are."""
    tables = {feed.source: since.computed_of.read_day(feed.table, since.day) for feed in FEEDS}
    records = person_records.person_records(tables)
    return records.select("source", "record_id", "email", "other_emails", "shared_ids")


def _traits(records: ibis.Table) -> ibis.Table:
    own = records.select("source", "record_id", trait=records["email"])
    further = records.select("source", "record_id", raw=records["other_emails"].unnest())
    further = further.select("source", "record_id", trait=normalise.email(further["raw"]))
    shared = records.select("source", "record_id", trait=records["shared_ids"].unnest())
    every = own.union(further).union(shared)
    return every.filter(every["trait"].notnull())


def _company_changed(feed: CompanyFeed, changed: ChangedRecords, since: Since) -> bool:
    """Whether a feed says anything of companies that it did not say, or no longer says what it did."""
    rules = policy().identity

    def statements(rows: ibis.Table) -> ibis.Table:
        present = rows.filter(~rows["_deleted"]) if "_deleted" in rows.columns else rows
        statements_made = company_rows.statements_of(feed, feed_rows(feed, present), rules)
        return statements_made.filter(statements_made["host"].notnull() | statements_made["record"].notnull())

    before = statements(since.computed_of.read_day(feed.table, since.day))
    now = statements(since.current.read_day(feed.table, since.day))
    added = statements(changed.now).difference(before)
    lost = statements(changed.before).difference(now)
    return bool(rows_of(added.limit(1))) or bool(rows_of(lost.limit(1)))
