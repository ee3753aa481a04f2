"""`identity/people`: one row per customer, with the records that speak for it in each source."""

import ibis

from gtm_platform.identity import normalise, records
from gtm_platform.identity.companies import MAIL, SYSTEMS, references
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

CONTRACT = Contract(
    {
        "customer_id": Column("string", "The customer.", nullable=False),
        "email": Column("string", "Address: the Intercom user's, else HubSpot's, else Stripe's.", personal=True),
        "all_emails": Column("array<string>", "All its addresses, normalised and sorted.", False, personal=True),
        "aliases": Column("array<string>", "Ids that went into this customer when customers merged.", nullable=False),
        "first_seen": Column("date", "Day on which this customer_id was first given.", nullable=False),
        "records": Column("int64", "Number of records in all sources.", nullable=False),
        "match_confidence": Column("float64", "Of its least certain link, 0 to 1.", nullable=False),
        "shared_inbox": Column("boolean", "Its address is one behind which several people sit.", nullable=False),
        "company_id": Column(
            "string", "Company: HubSpot's association, else Intercom's, else Stripe's metadata, else by its address."
        ),
        "hubspot_contact_id": Column("string", "The contact not merged away; of several the oldest."),
        "intercom_contact_id": Column("string", "A user before a lead; of several the one seen last."),
        "stripe_customer_id": Column("string", "Of several the oldest."),
    },
    key=("customer_id",),
    about="One row per customer: every id and every address it is known by.",
    figures={"with_company": lambda t: t["company_id"].notnull().sum()},
)


def table(
    links: ibis.Table,
    hubspot: ibis.Table,
    intercom: ibis.Table,
    stripe: ibis.Table,
    companies: ibis.Table,
    policy: Policy,
) -> ibis.Table:
    linked = links.select("source", "record_id", "customer_id", "first_seen", "aliases", "match_confidence", "email")
    known = records.persons(hubspot, intercom, stripe).drop("email").join(linked, ["source", "record_id"])
    people = _people(known.view())  # as views the engine makes them once, not once for each use
    people = people.left_join(_emails(known.view()), "customer_id", rname="{name}_of_mail")
    people = people.left_join(_companies(known.view(), companies), "customer_id", rname="{name}_of_company")
    return people.select(
        "customer_id",
        "email",
        "aliases",
        "first_seen",
        "records",
        "match_confidence",
        "company_id",
        "hubspot_contact_id",
        "intercom_contact_id",
        "stripe_customer_id",
        all_emails=ibis.coalesce(people["all_emails"], ibis.literal([], type="array<string>")),
        shared_inbox=normalise.is_shared_inbox(people["email"], policy.identity).fill_null(False),
    )


def _people(known: ibis.Table) -> ibis.Table:
    by_preference = ibis.struct({"rank": known["email_rank"], "place": known["place"], "email": known["email"]})
    spoken = {source: known["place"].min(where=known["source"] == source) for source in SYSTEMS}
    people = known.group_by("customer_id").agg(
        preferred=by_preference.min(where=known["email"].notnull()),
        aliases=known["aliases"].arbitrary(),
        first_seen=known["first_seen"].min(),
        records=known.count(),
        match_confidence=known["match_confidence"].min(),
        **spoken,
    )
    return people.mutate(
        email=people["preferred"]["email"],
        hubspot_contact_id=people["hubspot"]["record_id"],
        intercom_contact_id=people["intercom"]["record_id"],
        stripe_customer_id=people["stripe"]["record_id"],
    ).drop("preferred", *SYSTEMS)


def _emails(known: ibis.Table) -> ibis.Table:
    mail = records.addresses(known, of="customer_id").select("customer_id", "email").distinct()
    return mail.group_by("customer_id").agg(all_emails=mail["email"].collect().sort())


def _companies(known: ibis.Table, companies: ibis.Table) -> ibis.Table:
    """[customer_id, company_id]: by the first in rank of what the records say."""
    told = known.select("customer_id", "place", "company", rank=known["source"].cases(*SYSTEMS.items()).cast("int64"))
    mail = known.select(
        "customer_id", "place", company=normalise.domain(known["email"]), rank=ibis.literal(MAIL, "int64")
    )
    named = told.union(mail.select(*told.columns)).join(references(companies), "company")
    first = ibis.struct({"rank": named["rank"], "place": named["place"], "company_id": named["company_id"]}).min()
    found = named.group_by("customer_id").agg(first=first)
    return found.select("customer_id", company_id=found["first"]["company_id"])


TABLE = DailyTable(
    "identity/people",
    CONTRACT,
    inputs={
        "links": "identity/links",
        "hubspot": "hubspot/contacts",
        "intercom": "intercom/contacts",
        "stripe": "stripe/customers",
        "companies": "identity/companies",
        "policy": current_policy,
    },
    rule=table,
)
