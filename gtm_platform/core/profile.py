"""`core/profile`: who the customer is, who looks after it, and how it stands with us."""

from collections.abc import Mapping, Sequence
from functools import partial

import ibis

from gtm_platform.core import customer_status
from gtm_platform.core.calls import BOOKINGS
from gtm_platform.identity import normalise, person_records
from gtm_platform.identity.people import IDS
from gtm_platform.identity.person_records import FEEDS
from gtm_platform.identity.precedence import by_precedence
from gtm_platform.ingest.feeds import CallFeed, PersonFeed, SeatFeed, feed_rows, read
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.lake.owners import ADDRESS, Owner, Owners
from gtm_platform.policy import Identity, Policy
from gtm_platform.policy import policy as current_policy
from gtm_platform.sources.feeds import seat_feeds

SEATS = seat_feeds()
OWNERS = {feed.source: feed.owners.table for feed in FEEDS if feed.owners}
# Who looks after somebody: the owner of the record, or who held the last call.
MANAGERS: list[PersonFeed | CallFeed] = [
    *(feed for feed in FEEDS if feed.owners),
    *(feed for feed in BOOKINGS if feed.host_name and feed.source not in OWNERS),
]

CONTRACT = Contract(
    {
        "customer_id": Column("string", "The customer.", nullable=False),
        "name": Column("string", "Of the first source in precedence that has one.", personal=True),
        "company_name": Column("string", "Name of the company; without one, what is typed on the person's record."),
        "company_domain": Column("string", "Domain of the company."),
        "country": Column("string", "Of the first source in precedence that has one."),
        "city": Column("string", "Of the first source in precedence that has one."),
        "timezone": Column("string", "Of the first source in precedence that has one."),
        "assigned_am": Column(
            "string", "Account manager: the owner, or who held the last call, in the first source in precedence."
        ),
        "assigned_am_email": Column("string", "The account manager's address."),
        "am_source": Column(
            "string",
            "The source that names the account manager.",
            rule=lambda v: v.isin([feed.source for feed in MANAGERS]),
        ),
        "signup_at": Column("timestamp('UTC', 6)", "Earliest sign-up on any of its records."),
        "customer_status": Column(
            "string",
            "prospect (never paid), trial, active, past_due (also unpaid), paused, leaving (set to end) or churned; of "
            "several subscriptions the best for us counts.",
            nullable=False,
            rule=lambda v: v.isin(customer_status.STATUSES),
        ),
        "is_customer": Column(
            "boolean", "A current customer: trial, active, past_due, paused or leaving.", nullable=False
        ),
        "customer_since": Column("timestamp('UTC', 6)", "First payment."),
        "churned_at": Column("timestamp('UTC', 6)", "End of the last subscription of who has churned."),
        "churn_reason": Column(
            "string", "Why, as the billing system says, else as the latest lost deal does.", personal=True
        ),
        "mail_bounces": Column(
            "boolean", "Mail comes back as nobody has the address; null where no system that sends mail knows it."
        ),
        "seat_deactivated": Column(
            "boolean", "It was taken off the users of our products; null for who is not named among them."
        ),
    },
    key=("customer_id",),
    about="Name, company, place, account manager and status of each customer.",
    figures={
        "customers": lambda t: t["is_customer"].sum(),
        "churned": lambda t: (t["customer_status"] == customer_status.CHURNED).sum(),
        "with_am": lambda t: t["assigned_am"].notnull().sum(),
    },
)

STATED = ("name", "country", "city", "timezone", "company_name")


def table(
    people: ibis.Table,
    links: ibis.Table,
    companies: ibis.Table,
    records: person_records.Tables,
    owners: Mapping[str, ibis.Table],
    seats: Mapping[str, ibis.Table],
    calls: ibis.Table,
    subscriptions: ibis.Table,
    revenue: ibis.Table,
    pipeline: ibis.Table,
    policy: Policy,
) -> ibis.Table:
    """Return a row per customer."""
    profiles = people.select("customer_id", "company_id", *IDS.values())
    for feed in FEEDS:
        stated = _stated(feed, feed_rows(feed, records[feed.source]), owners.get(feed.source))
        profiles = left_join_all(profiles, [stated], feed.id_column)
    profiles = left_join_all(profiles, [_of_company(companies)], "company_id")
    status = customer_status.summed(subscriptions)
    billed = revenue.select("customer_id", "first_paid_at")
    lost = pipeline.select("customer_id", "lost_reason")
    own_seats = _seats(people, [_listed(feed, seats[feed.table]) for feed in SEATS])
    profiles = left_join_all(profiles, [*_signups(links, records), own_seats, status, billed, lost, _hosts(calls)])
    rules = policy.identity
    typed = _first(profiles, "company_name", rules)
    return profiles.select(
        "customer_id",
        "company_domain",
        "seat_deactivated",
        **{field: _first(profiles, field, rules) for field in STATED if field != "company_name"},
        company_name=ibis.coalesce(
            profiles["listed_name"].nullif(profiles["company_domain"]), typed, profiles["listed_name"]
        ),
        signup_at=_earliest_signup(profiles),
        mail_bounces=_bounces(profiles),
        **_account_manager(profiles, rules),
        **customer_status.columns(profiles),
    )


def _stated(feed: PersonFeed, records: ibis.Table, owners: ibis.Table | None) -> ibis.Table:
    """Return what the feed says of the person, in columns that bear the source's name."""
    manager = {}
    if feed.owners and owners is not None:
        active = owners.filter(read(owners, feed.owners.active)) if feed.owners.active else owners
        active = active.select(
            owner_key=read(active, feed.owners.id),
            manager=read(active, feed.owners.name),
            manager_email=read(active, feed.owners.email),
        )
        records = left_join_all(records.mutate(owner_key=read(records, feed.owner_id)), [active], "owner_key")
        manager = {f"{feed.source}_{name}": records[name] for name in ("manager", "manager_email")}
    fields = [*STATED, "mail_bounces"]
    stated = {f"{feed.source}_{field}": read(records, getattr(feed, field)) for field in fields if getattr(feed, field)}
    return records.select(**{feed.id_column: read(records, feed.id)}, **stated, **manager)


def _first(profiles: ibis.Table, field: str, rules: Identity) -> ibis.Value:
    """Return the field of the first source in precedence that states it."""
    feeds = by_precedence([feed for feed in FEEDS if getattr(feed, field)], field, rules)
    return ibis.coalesce(*[profiles[f"{feed.source}_{field}"].nullif("") for feed in feeds])


def _account_manager(profiles: ibis.Table, rules: Identity) -> dict[str, ibis.Value]:
    sources = [feed.source for feed in by_precedence(MANAGERS, "account_manager", rules)]
    names = [profiles[f"{source}_manager"].nullif("") for source in sources]
    present = [name.notnull() for name in names]
    emails = [profiles[f"{source}_manager_email"] for source in sources]
    return {
        "assigned_am": ibis.coalesce(*names),
        "assigned_am_email": ibis.cases(*zip(present, emails, strict=True)),
        "am_source": ibis.cases(*zip(present, sources, strict=True)),
    }


def _bounces(profiles: ibis.Table) -> ibis.Value:
    """Return whether mail comes back in any source; null where none has a record that would say so."""
    every = [profiles[f"{feed.source}_mail_bounces"] for feed in FEEDS if feed.mail_bounces]
    if not every:
        return ibis.null("boolean")
    return ibis.ifelse(ibis.or_(*(each.fill_null(False) for each in every)), True, ibis.coalesce(*every))


def _listed(feed: SeatFeed, accounts: ibis.Table) -> ibis.Table:
    """Return [address, has_seat] of whoever the accounts name."""
    members = accounts.select(address=read(accounts, feed.members).unnest(), has_seat=True)
    former = accounts.select(address=read(accounts, feed.former_members).unnest(), has_seat=False)
    return members.union(former)


def _seats(people: ibis.Table, listed: Sequence[ibis.Table]) -> ibis.Table:
    """Return [customer_id, seat_deactivated] of whose address some account names."""
    if not listed:
        return people.select("customer_id", seat_deactivated=ibis.null("boolean")).limit(0)
    every = ibis.union(*listed)
    every = every.select("has_seat", email=normalise.email(every["address"]))
    owned = people.select("customer_id", email=people["all_emails"].unnest()).join(every, "email")
    return owned.group_by("customer_id").agg(seat_deactivated=~owned["has_seat"].any())


def _hosts(calls: ibis.Table) -> ibis.Table:
    """Return who held the last call, in columns that bear the name of the call's source."""
    columns = {}
    for source in [feed.source for feed in MANAGERS if isinstance(feed, CallFeed)]:
        of_source = calls["last_call_source"] == source
        columns[f"{source}_manager"] = of_source.ifelse(calls["last_call_host"], None)
        columns[f"{source}_manager_email"] = of_source.ifelse(calls["last_call_host_email"], None)
    return calls.select("customer_id", **columns)


def _of_company(companies: ibis.Table) -> ibis.Table:
    return companies.select("company_id", listed_name="name", company_domain="domain")


def _signups(links: ibis.Table, records: person_records.Tables) -> list[ibis.Table]:
    return [_signup(feed, links, feed_rows(feed, records[feed.source])) for feed in FEEDS if feed.signed_up_at]


def _signup(feed: PersonFeed, links: ibis.Table, records: ibis.Table) -> ibis.Table:
    linked = links.filter(links["source"] == feed.source).select("customer_id", "record_id")
    users = linked.join(
        records.select(record_id=read(records, feed.id), at=read(records, feed.signed_up_at)), "record_id"
    )
    return users.group_by("customer_id").agg(**{f"{feed.source}_signup": users["at"].min()})


def _earliest_signup(profiles: ibis.Table) -> ibis.Value:
    moments = [profiles[f"{feed.source}_signup"] for feed in FEEDS if feed.signed_up_at]
    return ibis.least(*moments) if len(moments) > 1 else moments[0] if moments else ibis.null("timestamp('UTC', 6)")


def owners_of_records() -> Owners:
    """Return whose person records are, and whose the seats in the accounts of a product."""
    owners: dict[str, tuple[Owner, ...]] = {feed.table: (Owner(feed.source, feed.id, feed.rows),) for feed in FEEDS}
    for feed in SEATS:
        member = Owner(ADDRESS, lambda listed: normalise.email(listed["address"]), partial(_listed, feed))
        owners[feed.table] = (*owners.get(feed.table, ()), member)
    return owners


TABLE = DailyTable(
    "core/profile",
    CONTRACT,
    inputs={
        "people": "identity/people",
        "links": "identity/links",
        "companies": "identity/companies",
        "records": person_records.TABLES,
        "owners": OWNERS,
        "seats": {feed.table: feed.table for feed in SEATS},
        "calls": "core/calls",
        "subscriptions": "core/subscriptions",
        "revenue": "core/revenue",
        "pipeline": "core/pipeline",
        "policy": current_policy,
    },
    rule=table,
    has_canaries=True,
    per="customer",
    owners=owners_of_records(),
)
