"""ListKit's records: field names of ours, paths into the contract's."""

from gtm_platform.ingest.record import (
    Id,
    Instant,
    MaybeAmount,
    MaybeId,
    MaybeInstant,
    MaybeInt,
    MaybeText,
    Record,
    at,
)
from gtm_platform.sources.admin_contract import DayOfUse

PANEL_ID = "What ListKit calls it, for good."


class Account(Record):
    """An account of ListKit: whose it is, what plan and credits it has, when it was last used."""

    id: Id = at("account_id", default=..., about=PANEL_ID)
    email: MaybeText = at("email", personal=True, about="The owner's address.")
    member_emails: list[str] | None = at("member_emails", personal=True, about="Addresses of all who may use it.")
    deactivated_emails: list[str] | None = at(
        "deactivated_emails", personal=True, about="Addresses of those whose seat was taken away."
    )
    company_name: MaybeText = at("company_name", about="The company, as the owner typed it.")
    status: MaybeText = at("status", about="trialing, active, past_due, paused or canceled.")
    plan: MaybeText = at("plan", about="Name of the plan.")
    stripe_customer_id: MaybeId = at("stripe_customer_id", about="Who pays for it at Stripe.")
    seats: MaybeInt = at("seats", about="How many people the plan is for.")
    credits_balance: MaybeAmount = at("credits", "balance", about="Credits left; below nothing it is an overdraft.")
    credits_granted: MaybeAmount = at("credits", "granted_this_period", about="Credits that the period brought.")
    credits_used: MaybeAmount = at("credits", "used_this_period", about="Credits used in the period.")
    period_start: MaybeInstant = at("credits", "period_start", about="When the period of credits began.")
    period_end: MaybeInstant = at("credits", "period_end", about="When it ends.")
    exports_30d: MaybeInt = at("exports_30d", about="Exports in 30 days, as ListKit counts them.")
    logins_7d: MaybeInt = at("logins_7d", about="Logins in 7 days, as ListKit counts them.")
    logins_30d: MaybeInt = at("logins_30d", about="Logins in 30 days, as ListKit counts them.")
    last_login_at: MaybeInstant = at("last_login_at", about="When somebody last logged in.")
    last_active_at: MaybeInstant = at("last_active_at", about="When anything was last done in it.")
    last_export_at: MaybeInstant = at("last_export_at", about="When a list was last exported.")
    created_at: MaybeInstant = at("created_at", about="When the account was opened.")
    updated_at: MaybeInstant = at("updated_at", about="When anything about it last changed.")
    deleted_at: MaybeInstant = at("deleted_at", about="When it was deleted.")

    def is_gone(self) -> bool:
        return self.deleted_at is not None


class DailyUsage(DayOfUse):
    """What an account of ListKit did on a day; a day without use has no row."""

    logins: MaybeInt = at("logins", default=0, about="Logins of all its users.")
    active_users: MaybeInt = at("active_users", default=0, about="How many of its users were active.")
    searches: MaybeInt = at("searches", default=0, about="Searches for leads.")
    credits_used: MaybeAmount = at("credits_used", about="Credits used.")
    exports: MaybeInt = at("exports", default=0, about="Exports that were completed.")
    records_exported: MaybeInt = at("records_exported", default=0, about="Rows in them.")


class Export(Record):
    """A list of leads that was exported from ListKit, or was to be."""

    id: Id = at("export_id", default=..., about=PANEL_ID)
    account_id: Id = at("account_id", default=..., about="The account.")
    requested_by_email: MaybeText = at("requested_by_email", personal=True, about="Who asked for it.")
    list_name: MaybeText = at("list_name", about="What the list is called.")
    status: MaybeText = at("status", about="queued, running, completed, failed or canceled.")
    format: MaybeText = at("format", about="csv, xlsx, or the name of a destination.")
    row_count: MaybeInt = at("row_count", about="Rows in it.")
    credits_spent: MaybeAmount = at("credits_spent", about="What it cost.")
    error_message: MaybeText = at("error_message", about="Why it failed.")
    created_at: Instant = at("created_at", default=..., about="When it was asked for.")
    completed_at: MaybeInstant = at("completed_at", about="When it was completed.")
    updated_at: Instant = at("updated_at", default=..., about="When anything about it last changed.")
