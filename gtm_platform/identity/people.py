"""`identity/people`: one row per customer, with the record that speaks for it in each source."""

import ibis

from gtm_platform.identity import companies as company_rows
from gtm_platform.identity import normalise, person_records
from gtm_platform.identity.person_records import FEEDS
from gtm_platform.identity.precedence import ranks
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.literals import NO_TEXTS
from gtm_platform.lake.owners import Owner
from gtm_platform.policy import Identity, Policy
from gtm_platform.policy import policy as current_policy

IDS = {feed.source: feed.id_column for feed in FEEDS}

CONTRACT = Contract(
    {
        "customer_id": Column("string", "The customer.", nullable=False),
        "email": Column("string", "Address: that with which a user signs in, else the first source's.", personal=True),
        "all_emails": Column(
            "array<string>", "All its addresses that are no other customer's, sorted.", False, personal=True
        ),
        "aliases": Column("array<string>", "Ids that went into this customer when customers merged.", nullable=False),
        "first_seen": Column("date", "Day on which this customer_id came about.", nullable=False),
        "records": Column("int64", "Number of records in all sources.", nullable=False),
        "match_confidence": Column("float64", "Of its least certain link, 0 to 1.", nullable=False),
        "shared_inbox": Column("boolean", "Its address is one behind which several people sit.", nullable=False),
        "company_id": Column("string", "Company that the first source in precedence names, else by its address."),
        **{feed.id_column: Column("string", feed.id_about, personal=feed.id_is_address) for feed in FEEDS},
    },
    key=("customer_id",),
    about="One row per customer: every id and every address it has.",
    figures={"with_company": lambda t: t["company_id"].notnull().sum()},
)


# Whose the records are, and of those that are merged into one it says so.
OWNERS = {
    feed.table: (
        Owner(feed.source, feed.id, feed.rows),
        *([Owner(feed.source, feed.merged_ids, feed.rows)] if feed.merged_ids else []),
    )
    for feed in FEEDS
}


def table(
    links: ibis.Table,
    everybody: ibis.Table,
    records: person_records.Tables,
    companies: ibis.Table,
    policy: Policy,
) -> ibis.Table:
    """Return the customers of the links; own addresses of `everybody` are no further ones of others."""
    linked = links.select("source", "record_id", "customer_id", "first_seen", "aliases", "match_confidence", "email")
    members = person_records.person_records(records).drop("email").join(linked, ["source", "record_id"])
    people = _people(members.view())  # as views the engine makes them once, not once for each use
    mail = _emails(members.view(), everybody)
    people = people.left_join(mail, "customer_id", rname="{name}_of_mail")
    companies = _companies(members.view(), companies, policy.identity)
    people = people.left_join(companies, "customer_id", rname="{name}_of_company")
    return people.select(
        "customer_id",
        "email",
        "aliases",
        "first_seen",
        "records",
        "match_confidence",
        "company_id",
        *IDS.values(),
        all_emails=ibis.coalesce(people["all_emails"], NO_TEXTS),
        shared_inbox=normalise.is_shared_inbox(people["email"], policy.identity).fill_null(False),
    )


def _people(members: ibis.Table) -> ibis.Table:
    by_preference = ibis.struct({"rank": members["email_rank"], "place": members["place"], "email": members["email"]})
    speaker = {source: members["place"].min(where=members["source"] == source) for source in IDS}
    people = members.group_by("customer_id").agg(
        preferred=by_preference.min(where=members["email"].notnull()),
        aliases=members["aliases"].arbitrary(),
        first_seen=members["first_seen"].min(),
        records=members.count(),
        match_confidence=members["match_confidence"].min(),
        **speaker,
    )
    return people.mutate(
        email=people["preferred"]["email"],
        **{column: people[source]["record_id"] for source, column in IDS.items()},
    ).drop("preferred", *IDS)


def _emails(members: ibis.Table, everybody: ibis.Table) -> ibis.Table:
    """Return [customer_id, all_emails]; a further address that is a record's own is only that record's customer's."""
    every = person_records.addresses(members, of="customer_id")
    own = every.view().filter(lambda t: t["own"]).select("customer_id", "email")
    further = every.view().filter(lambda t: ~t["own"]).select("customer_id", "email")
    further = further.anti_join(everybody.filter(everybody["email"].notnull()).select("email"), "email")
    mail = own.view().union(further, distinct=True)
    return mail.group_by("customer_id").agg(all_emails=mail["email"].collect().sort())


def _companies(members: ibis.Table, companies: ibis.Table, rules: Identity) -> ibis.Table:
    """Return [customer_id, company_id]: the company that the first record in rank names."""
    order = ranks(FEEDS, "company", rules)
    rank = members["source"].cases(*order.items()).cast("int64")
    named = members.select("customer_id", "place", "company", rank=rank)
    mail = members.select(
        "customer_id", "place", company=normalise.domain(members["email"]), rank=ibis.literal(len(order), "int64")
    )
    placed = named.union(mail.select(*named.columns)).join(company_rows.references(companies), "company")
    first = ibis.struct({"rank": placed["rank"], "place": placed["place"], "company_id": placed["company_id"]}).min()
    chosen = placed.group_by("customer_id").agg(first=first)
    return chosen.select("customer_id", company_id=chosen["first"]["company_id"])


TABLE = DailyTable(
    "identity/people",
    CONTRACT,
    inputs={
        "links": "identity/links",
        "everybody": "identity/links",
        "records": person_records.TABLES,
        "companies": "identity/companies",
        "policy": current_policy,
    },
    rule=table,
    has_canaries=True,
    in_part=True,
    owners=OWNERS,
    whole=("everybody",),
)
