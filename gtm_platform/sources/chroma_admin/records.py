"""Chroma's records: field names of ours, paths into the contract's.

The smallest panels send six members of an account: id, company, collections, vectors, last active day, active.
"""

from gtm_platform.ingest.record import Id, MaybeBool, MaybeInstant, MaybeInt, MaybeText, Record, at
from gtm_platform.sources.admin_contract import DayOfUse, MaybeDay

PANEL_ID = "What the panel calls it, for good."


class Account(Record):
    """An account of Chroma: whose it is, how much lies in it, when it was last used."""

    id: Id = at("account_id", default=..., about=PANEL_ID)
    company_name: MaybeText = at("company_name", about="The company, as the owner typed it.")
    collections: MaybeInt = at("num_collections", about="Collections in all its databases.")
    vectors: MaybeInt = at("total_vectors", about="Vectors in all its collections.")
    last_active_on: MaybeDay = at("last_active_date", about="Day, in UTC, of the last read or write.")
    is_active: MaybeBool = at("is_active", about="Whether the account is in order, used or not.")
    email: MaybeText = at("email", personal=True, about="The owner's address; None: it is the company's.")
    member_emails: list[str] | None = at("member_emails", personal=True, about="Addresses of all who may use it.")
    deactivated_emails: list[str] | None = at(
        "deactivated_emails", personal=True, about="Addresses of those whose seat was taken away."
    )
    instances: MaybeInt = at("num_instances", about="Database instances.")
    databases: MaybeInt = at("num_databases", about="Databases in them.")
    storage_bytes: MaybeInt = at("storage_bytes", about="What the vectors take up.")
    queries_30d: MaybeInt = at("queries_30d", about="Queries in 30 days, as the panel counts them.")
    plan: MaybeText = at("plan", about="Name of the plan.")
    region: MaybeText = at("region", about="Where its instances run.")
    created_at: MaybeInstant = at("created_at", about="When the account was opened.")
    updated_at: MaybeInstant = at("updated_at", about="When anything about it last changed.")
    deleted_at: MaybeInstant = at("deleted_at", about="When it was deleted.")

    def is_gone(self) -> bool:
        return self.deleted_at is not None


class Instance(Record):
    """A database instance of an account, with what lies in it."""

    id: Id = at("instance_id", default=..., about=PANEL_ID)
    account_id: Id = at("account_id", default=..., about="The account.")
    name: MaybeText = at("name", about="What its owner calls it.")
    status: MaybeText = at("status", about="provisioning, running, stopped, failed or deleted.")
    region: MaybeText = at("region", about="Where it runs.")
    collections: MaybeInt = at("num_collections", about="Collections in it.")
    vectors: MaybeInt = at("total_vectors", about="Vectors in them.")
    last_active_at: MaybeInstant = at("last_active_at", about="Last read or write.")
    created_at: MaybeInstant = at("created_at", about="When it was made.")
    updated_at: MaybeInstant = at("updated_at", about="When anything about it last changed.")

    def is_gone(self) -> bool:
        return self.status == "deleted"


class DailyUsage(DayOfUse):
    """What an account of Chroma did on a day; a day without use has no row."""

    queries: MaybeInt = at("queries", default=0, about="Queries.")
    writes: MaybeInt = at("writes", default=0, about="Writes.")
    vectors_added: MaybeInt = at("vectors_added", default=0, about="Vectors that were added.")
    vectors: MaybeInt = at("total_vectors", about="Vectors at the end of the day.")
