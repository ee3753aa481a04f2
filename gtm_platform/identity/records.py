"""The person records of all sources in one form. A further source of persons is one more function here."""

import ibis

from gtm_platform.identity import normalise

# `place` says which of a customer's records in a source speaks for it: the least does.


def persons(hubspot: ibis.Table, intercom: ibis.Table, stripe: ibis.Table) -> ibis.Table:
    return ibis.union(_of_hubspot(hubspot), _of_intercom(intercom), _of_stripe(stripe))


def named(source: str | ibis.ir.StringValue, record_id: ibis.ir.StringValue) -> ibis.ir.StringValue:
    """One text for a record, unlike that of every record of every source."""
    return ibis.literal(source) + ":" + record_id if isinstance(source, str) else source + ":" + record_id


def node(source: str | ibis.ir.StringValue, record_id: ibis.ir.StringValue) -> ibis.ir.IntegerValue:
    """A number for a record: what hangs together is found twice as fast among numbers as among texts. Of 63
    bits: among a million records two share one less than once in ten million times."""
    number: ibis.ir.IntegerValue = xxhash64(named(source, record_id))
    return number


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def xxhash64(text: str) -> int:  # type: ignore[empty-body]
    """A number for a text."""


def merged_contacts(hubspot: ibis.Table) -> ibis.Table:
    """[winner, loser, into]: HubSpot contacts that were merged into another, and that by name; their own records may be
    gone or not."""
    pairs = hubspot.select("id", other=hubspot["merged_ids"].unnest()).distinct()
    nodes = {"winner": node("hubspot", pairs["id"]), "loser": node("hubspot", pairs["other"])}
    return pairs.select(**nodes, into=named("hubspot", pairs["id"]))


def _of_hubspot(contacts: ibis.Table) -> ibis.Table:
    away = contacts.select(id=contacts["merged_ids"].unnest()).distinct().mutate(away=1)
    t = contacts.left_join(away, "id")
    return _person(
        t,
        "hubspot",
        email_rank=ibis.literal(1),
        others=t["additional_emails"],
        company=named("hubspot", t["company_id"]),
        rank=t["away"].fill_null(0),
    )


def _of_intercom(contacts: ibis.Table) -> ibis.Table:
    user, companies = contacts["role"] == "user", contacts["company_ids"]
    first = ibis.ifelse(companies.length() > 0, companies[0], ibis.null("string"))
    return _person(
        contacts,
        "intercom",
        email_rank=ibis.ifelse(user, 0, 3),
        shared_id=contacts["stripe_id"],
        company=named("intercom", first),
        rank=ibis.ifelse(user, 0, 1),
        unseen=-contacts["last_seen_at"].epoch_seconds().fill_null(0),
    )


def _of_stripe(customers: ibis.Table) -> ibis.Table:
    return _person(
        customers,
        "stripe",
        email_rank=ibis.literal(2),
        shared_id=customers["id"],
        company=normalise.site(customers["company_domain"]),
    )


def _person(
    t: ibis.Table,
    source: str,
    *,
    email_rank: ibis.Value,
    company: ibis.ir.StringValue,
    shared_id: ibis.Value | None = None,
    others: ibis.Value | None = None,
    rank: ibis.Value | None = None,
    unseen: ibis.Value | None = None,
) -> ibis.Table:
    created = t["created_at"].epoch_seconds().fill_null(2**40)  # unknown counts as young
    nothing = ibis.literal(0)
    return t.select(
        source=ibis.literal(source),
        record_id=t["id"],
        node=node(source, t["id"]),
        email=normalise.email(t["email"]),
        email_rank=email_rank.cast("int64"),
        others=ibis.null("array<string>") if others is None else others.cast("array<string>"),
        shared_id=ibis.null("string") if shared_id is None else shared_id,
        company=company,
        created=created,
        place=ibis.struct(
            {
                "rank": (nothing if rank is None else rank).cast("int64"),
                "unseen": (nothing if unseen is None else unseen).cast("int64"),
                "created": created,
                "record_id": t["id"],
            }
        ),
    )


def addresses(people: ibis.Table, of: str) -> ibis.Table:
    """[of, email, own]: every address of every person record, normalised; `own` for the one that is not secondary."""
    own = people.select(of, "email", own=True)
    others = people.select(of, raw=people["others"].unnest())
    others = others.select(of, email=normalise.email(others["raw"]), own=False)
    return own.union(others).filter(lambda t: t["email"].notnull())
