"""Companies that a system has without a domain: the domain from which all their contacts write, where it is but one.

Addresses at mail providers say nothing. Where contacts write from several domains, or from one that goes by another
name in some system, it is left to a person; so are two records of different names with contacts at the same domain.
"""

from collections.abc import Mapping, Sequence

import ibis

from gtm_platform.identity import normalise, person_records
from gtm_platform.ingest.feeds import feed_rows, read
from gtm_platform.lake.expressions.literals import NO_TEXTS
from gtm_platform.sources.feeds import company_feeds

SYSTEMS = {feed.source for feed in company_feeds() if feed.id and feed.stands_alone}
FEEDS = [feed for feed in person_records.FEEDS if feed.source in SYSTEMS and feed.company_id]
CONTACTS = {feed.source: feed.table for feed in FEEDS}


def contact_hosts(contacts: Mapping[str, ibis.Table]) -> ibis.Table:
    """Return [record, host]: of each record of a company the domains of its contacts' addresses."""
    parts = []
    for feed in FEEDS:
        assert feed.company_id
        rows = feed_rows(feed, contacts[feed.source])
        record = person_records.named(feed.source, read(rows, feed.company_id))
        parts.append(rows.select(record=record, host=normalise.domain(normalise.email(read(rows, feed.email)))))
    return ibis.union(*parts, distinct=True) if len(parts) > 1 else parts[0].distinct()


def with_contacts_domains(
    statements: ibis.Table,
    contacts: ibis.Table,
    domains: ibis.Table,
    further: ibis.Table,
    names: ibis.Table,
    apart: Sequence[tuple[str, str]] = (),
) -> tuple[ibis.Table, ibis.Table]:
    """Return the statements, some placed by a domain, and [record, contact_domains] of the rest.

    `names` are what systems call the company that goes by a domain; `apart` pairs of which people said that they are
    two companies.
    """
    records = statements.filter(statements["record"].notnull()).group_by("record")
    homeless = records.agg(
        main=lambda t: t["main"].max(), name=lambda t: normalise.company_name(t["name"].max())
    ).filter(lambda t: t["main"].isnull())
    at = contacts.join(homeless.select("record", "name"), "record").join(
        domains.view().select("host", "domain"), "host"
    )
    at = at.left_join(further.view(), "domain", rname="{name}_of_further")
    at = at.select("record", "name", main=ibis.coalesce(at["main"], at["domain"])).distinct()
    at = not_decided_apart(at, "record", "main", apart).view()
    by_record = at.group_by("record").agg(
        name=at["name"].max(), main=at["main"].min(), last=at["main"].max(), contact_domains=at["main"].collect().sort()
    )
    sure = _called_so(by_record.view().filter(lambda t: t["main"] == t["last"]), names)
    placed = sure.select("record", place=sure["main"])
    unsure = by_record.view().anti_join(placed.view(), "record").select("record", "contact_domains")
    joined = statements.view().left_join(placed.view(), "record", rname="{name}_of_placed").drop("record_of_placed")
    main = ibis.coalesce(joined["main"], joined["place"])
    return joined.mutate(main=main, placed=joined["main"].isnull() & joined["place"].notnull()).drop("place"), unsure


def not_decided_apart(rows: ibis.Table, first: str, second: str, apart: Sequence[tuple[str, str]]) -> ibis.Table:
    """Return the rows whose two names are no pair of which people said that they are two companies."""
    pairs = [(rows[first] == a) & (rows[second] == b) for pair in apart for a, b in (pair, pair[::-1])]
    return rows.filter(~ibis.or_(*pairs).fill_null(False)) if pairs else rows


def _called_so(single: ibis.Table, names: ibis.Table) -> ibis.Table:
    """Those of the records with one domain that are called as systems call it, else as all such records are."""
    named = names.view().rename(main="domain").group_by("main").agg(names=lambda t: t["name"].collect(distinct=True))
    alike = single.view().group_by("main").agg(least=lambda t: t["name"].min(), most=lambda t: t["name"].max())
    judged = single.view().left_join(named, "main", rname="{name}_named").left_join(alike, "main", rname="{name}_alike")
    of_domain = ibis.coalesce(judged["names"], NO_TEXTS)
    same = ibis.coalesce(judged["least"] == judged["most"], True)
    fits = ibis.ifelse(of_domain.length() > 0, of_domain.contains(judged["name"]), same)
    return judged.filter(judged["name"].isnull() | fits).select("record", "main")
