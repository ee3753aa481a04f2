"""What a source contributes beside its streams: people, companies, use, accounts, seats, calls, subscriptions.

Values only. A feed lies in `sources/<x>/feeds.py` under the name FEEDS. A field of a feed is a column's name or a
function of the table. Identity and core read the feeds; what they make of them, and whose word counts where two
disagree, does not belong here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import ibis

Field = str | Callable[[ibis.Table], ibis.Value]


@dataclass(frozen=True)
class Owners:
    """The table of the teammates whom a source's records name as their owner."""

    table: str
    name: Field
    email: Field
    id: Field = "id"
    active: Field | None = None  # where it is false, the teammate looks after nobody any more


@dataclass(frozen=True)
class Mention:
    """A table that names person records, also ones the system no longer lists, and their address then."""

    table: str
    record_id: Field
    email: Field | None = None


@dataclass(frozen=True)
class PersonFeed:
    """A table with a row per person, and what its columns say of the person.

    Where the table's rows are others than persons, such as the invitations of a call, `rows` makes rows of persons of
    them and keeps `_extracted_at`. `precedence` decides between feeds: the least counts first, by field where
    `precedence_by_field` names it. Between several records of one customer within the feed, the least `rank` speaks,
    then the latest seen, then the oldest.
    """

    source: str
    table: str
    id_column: str  # the column that holds the customer's record id in the tables of customers
    id_about: str
    precedence: int
    id: Field = "id"
    id_is_address: bool = False  # it tells who the person is, and is masked as addresses are
    email: Field | None = None
    email_precedence: int | Callable[[ibis.Table], ibis.Value] | None = None  # where it differs from `precedence`
    other_emails: Field | None = None  # an array
    # By the system whose ids they are; an array where a record may carry several.
    shared_ids: Mapping[str, Field] = field(default_factory=dict)
    merged_ids: Field | None = None  # an array: records of the feed that were merged into this one
    company_id: Field | None = None  # a record of the source's company feed
    company_domain: Field | None = None
    company_name: Field | None = None
    name: Field | None = None
    country: Field | None = None
    city: Field | None = None
    timezone: Field | None = None
    owner_id: Field | None = None
    owners: Owners | None = None
    signed_up_at: Field | None = None
    created_at: Field | None = "created_at"
    seen_at: Field | None = None
    mail_bounces: Field | None = None  # whether mail to its address came back, as nobody has it
    rank: Field | None = None
    is_account: bool = False  # whoever has a record has an account of the product
    mentions: tuple[Mention, ...] = ()
    rows: Callable[[ibis.Table], ibis.Table] | None = None
    precedence_by_field: Mapping[str, int] = field(default_factory=dict)

    @property
    def sync_column(self) -> str:
        """The column that says until when the source was read."""
        return sync_column(self.source)


@dataclass(frozen=True)
class CompanyFeed:
    """A table whose rows name companies: by their domain, by an id of their own, or both.

    A source may have several; one of them at most has ids.
    """

    source: str
    table: str
    precedence: int
    domain: Field
    id: Field | None = None
    name: Field | None = None
    other_domains: Field | None = None  # an array
    merged_ids: Field | None = None  # an array
    stands_alone: bool = False  # a record without a domain is a company by itself
    lead_source: Field | None = None  # how the company came to us, where a person says so
    ids_about: str = ""
    rows: Callable[[ibis.Table], ibis.Table] | None = None
    precedence_by_field: Mapping[str, int] = field(default_factory=dict)

    @property
    def ids_column(self) -> str:
        """The column that holds the company's record ids in the table of companies."""
        return f"{self.source}_company_ids"


Measure = Literal["seen", "logins", "onboarding", "credits_left", "credits_used", "exports"]


@dataclass(frozen=True)
class UsageFeed:
    """A measure of what people do with the product: rows of a person record, a value and its time.

    What happened is summed over windows (logins, credits_used, exports), a state is read from its newest row
    (onboarding, credits_left), and of sights the latest counts. Of several feeds of a measure the least `precedence`
    counts of those whose source has a record of the person; of sights all do. Where it has a record and no row, sums
    and onboarding are 0, and a balance is not known. A table without any row, as of a source that is off, says nothing.
    """

    source: str
    measure: Measure
    table: str
    record_id: Field  # as in the source's person feed
    at: Field  # a date or an instant
    value: Field | None = None  # one a row, without it
    precedence: int = 10


@dataclass(frozen=True)
class SeatFeed:
    """A table of a product's accounts: the addresses of who may use each, and of who no longer may.

    Both fields are arrays. Who may use any account has a seat; a table that names nobody says nothing of anybody.
    """

    source: str
    table: str
    members: Field
    former_members: Field
    precedence: int = 10


@dataclass(frozen=True)
class AccountFeed:
    """A table with a row per account of the product, and one of what it was used for day by day.

    An account is of the company of the person whose record it is in the source's person feed; one without an address of
    the company of its name. An account without a row of use in a window was not used in it.
    """

    source: str
    table: str
    usage: str  # the table of use
    queries: Field  # how many the account made on the day
    id: Field = "id"
    email: Field = "email"
    company_name: Field = "company_name"
    instances: Field | None = None
    collections: Field | None = None
    last_active_on: Field | None = None
    usage_account_id: Field = "account_id"
    usage_day: Field = "day"
    precedence: int = 10


@dataclass(frozen=True)
class CallFeed:
    """A table with a row per person and call: what became of it, who held it, what it was about.

    Where the table's rows are others, such as calls with several people, `rows` makes such rows of them. A feed with an
    `outcome` says which calls there are: booked (also one that is over and was neither missed nor called off),
    canceled, rescheduled or no_show. One without an outcome adds to what is known of calls: a summary, or the words
    of those who are not ours. The host of the last call can be the account manager, in the order of precedence.
    """

    source: str
    table: str
    record_id: Field  # as in the source's person feed
    call_id: Field
    starts_at: Field
    ends_at: Field
    precedence: int
    outcome: Field | None = None
    host_name: Field | None = None
    host_email: Field | None = None
    summary: Field | None = None
    words: Field | None = None
    rows: Callable[[ibis.Table], ibis.Table] | None = None
    precedence_by_field: Mapping[str, int] = field(default_factory=dict)


INSTANT = "timestamp('UTC', 6)"
AMOUNT = "decimal(24, 6)"
DISCOUNT_MODES = ("forever_only", "recurring", "all")
PHASES = ibis.dtype(
    f"array<struct<begins: {INSTANT}, ends: {INSTANT}, "
    + ", ".join(f"mrr_{mode}: int64, arr_{mode}: {AMOUNT}" for mode in DISCOUNT_MODES)
    + ">>"
)

# A row per subscription, ended ones too. A column that the system does not know may be left out.
SUBSCRIPTIONS = ibis.schema(
    {
        "payer": "string",  # a record of the source's person feed
        "subscription_id": "string",
        "status": "string",  # trialing, active, past_due, unpaid, paused, canceled, incomplete, incomplete_expired
        "pause": "string",  # keep_as_draft, mark_uncollectible or void, while invoices are on hold
        "is_simulated": "boolean",
        "is_ending": "boolean",  # it runs, and is set to end
        "created_at": INSTANT,
        "started_at": INSTANT,
        "ended_at": INSTANT,
        "end_reason": "string",
        "currency": "string",  # without it, the amounts count as of the reporting currency
        "phases": PHASES,  # what it is worth between instants, by which discounts count; null where that is not known
        "plan_name": "string",
        "plan_tier": "string",
        "list_mrr": AMOUNT,  # by the month before all discounts, whatever the status
        "plan_price": AMOUNT,  # of one unit for one interval
        "item_mrr": "array<int64>",  # of each thing in it, by the month before discounts
        "item_mrr_by_bill": "array<int64>",  # the same, if each bill were for a single month, week or year
        "current_period_end": INSTANT,
    }
)

# A row per payment, refund and failed attempt.
PAYMENTS = ibis.schema(
    {
        "payer": "string",
        "currency": "string",
        "amount": AMOUNT,  # below nothing where money went back
        "paid_at": INSTANT,  # of money that came in
        "failed_at": INSTANT,  # of an attempt that failed
        "returned_at": INSTANT,  # of money that went back
        "collected_by": "string",  # the billing system that took the money, and shows it, too
    }
)

# A row or several per payer.
PAYERS = ibis.schema(
    {
        "payer": "string",
        "currency": "string",
        "owes": "boolean",
        "paying_since": INSTANT,  # where the system shows no payments, but when they began
    }
)

Tables = Mapping[str, ibis.Table]  # by their keys
BillingRows = Callable[[Tables, ibis.ir.TimestampScalar], ibis.Table]


@dataclass(frozen=True)
class SubscriptionFeed:
    """What a system knows of subscriptions, payments and debts.

    Functions of its tables and of the end of the day return rows of the schemas SUBSCRIPTIONS, PAYMENTS and PAYERS.
    Facts only: which discounts and pauses count is for the policy to say. `payer_of` says of tables whose rows are of
    one payer each which it is; of a table that is not in it, nobody knows whom a change touches: a list of prices.
    `payer_through` is of tables whose rows name a record of such a table instead. Of several billing systems the least
    `precedence` counts first. A `copy_of` other systems counts for whom no billing system ever had a subscription.
    """

    source: str
    precedence: int
    tables: tuple[str, ...]
    subscriptions: BillingRows
    payments: BillingRows | None = None
    payers: BillingRows | None = None
    amounts_in: Literal["minor", "major"] = "minor"  # units of their currency
    copy_of: tuple[str, ...] = ()
    copies_everybody: bool = False  # whom it lacks it ought to have
    payer_of: Mapping[str, str] = field(default_factory=dict)  # a column by table
    payer_through: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # the other table, the column naming it
    speaking_record_only: bool = False  # of several person records only that counts which speaks for the customer

    @property
    def is_copy(self) -> bool:
        """Whether it only shows what other systems bill."""
        return bool(self.copy_of)


Feed = PersonFeed | CompanyFeed | UsageFeed | AccountFeed | SeatFeed | CallFeed | SubscriptionFeed


def lasting(mrr: ibis.Value, arr: ibis.Value) -> ibis.Value:
    """Return the phases of what is always worth the same, by any discounts; null without an amount."""
    # In the order of PHASES: Spark casts structs by the places of their fields.
    amounts: dict[str, ibis.Value] = {}
    for mode in DISCOUNT_MODES:
        amounts |= {f"mrr_{mode}": mrr.cast("int64"), f"arr_{mode}": arr.cast(AMOUNT)}
    phase = ibis.struct({"begins": ibis.null(INSTANT), "ends": ibis.null(INSTANT), **amounts})
    return ibis.cases((mrr.notnull(), ibis.array([phase]).cast(PHASES)))


def tier_named(plan_name: ibis.ir.StringValue) -> ibis.ir.StringValue:
    """Return a plan's name as a tier, for systems that have no tiers: Committed use is committed_use."""
    return plan_name.strip().lower().replace(" ", "_")


def complete(rows: ibis.Table, schema: ibis.Schema) -> ibis.Table:
    """Return the rows with every column of the schema, null where the feed leaves it out."""
    columns = {name: rows[name] if name in rows.columns else ibis.null(kind) for name, kind in schema.items()}
    return rows.select(**{name: v if v.type().is_array() else v.cast(schema[name]) for name, v in columns.items()})


def sync_column(source: str) -> str:
    """Name the column that says until when a source was read."""
    return f"last_{source}_sync"


class OwnRows(Protocol):
    """A feed that may make rows of its own of its table's."""

    @property
    def rows(self) -> Callable[[ibis.Table], ibis.Table] | None: ...


def feed_rows(feed: OwnRows, table: ibis.Table) -> ibis.Table:
    """Return the rows that a feed is about, of its table."""
    return feed.rows(table) if feed.rows else table


def read(table: ibis.Table, value: Field | None, kind: str = "string") -> ibis.Value:
    """Return a feed's field of its table; null of the kind where the feed does not have it."""
    if value is None:
        return ibis.null(kind)
    return table[value] if isinstance(value, str) else value(table)
