"""Factors.ai's records: visits of the website by accounts, and alerts as its webhook delivers them.

The properties of an event are JSON within a text, and those of an alert go by the names that people see. Both are read
out into facts, by `journeys` and `alerts`.
"""

from gtm_platform.ingest.record import Id, Instant, MaybeInt, MaybeText, Record, at, fact

DOMAIN, NAME = "Domain of the company that visited.", "What Factors.ai calls the company."
PAGES, SECONDS = "The pages that were looked at, each once, in order.", "How long the visit lasted."
SOURCE = "Where the visit came from: a channel, a source, or the site that linked to ours."


class Visit(Record):
    """A session on the website by somebody of a company."""

    id: Id = fact("id", "event_id", default=..., about="Factors.ai's id of the session.")
    company_domain: Id = fact("company_domain", default=..., about=DOMAIN)
    company_name: MaybeText = fact("company_name", about=NAME)
    user_id: MaybeText = fact("user_id", about="Factors.ai's id of who it was; often nobody whose name is clear.")
    user_email: MaybeText = fact("user_email", personal=True, about="Where the visitor gave it.")
    pages: list[str] = fact("pages", default=[], about=PAGES)
    page_views: MaybeInt = fact("page_views", about="How many pages were looked at.")
    seconds: MaybeInt = fact("seconds", about=SECONDS)
    referral_source: MaybeText = fact("referral_source", about=SOURCE)
    country: MaybeText = fact("country", about="Where the company is.")
    industry: MaybeText = fact("industry", about="As Factors.ai names it.")
    visited_at: Instant = at("timestamp", default=..., about="When it began.")


class Alert(Record):
    """An alert of Factors.ai, as its webhook delivers it."""

    id: Id = fact("id", default=..., about="Made of the delivery and the hour in which it came.")
    title: Id = at("Title", default=..., about="What the alert is called.")
    event: MaybeText = at("Event", about="What happened.")
    message: MaybeText = at("Message", about="The sentence that people read.")
    company_domain: MaybeText = fact("company_domain", about=DOMAIN)
    company_name: MaybeText = fact("company_name", about=NAME)
    page: MaybeText = fact("page", about="The page that set it off.")
    page_views: MaybeInt = fact("page_views", about="How many pages were looked at.")
    visits: MaybeInt = fact("visits", about="How many sessions there were.")
    seconds: MaybeInt = fact("seconds", about=SECONDS)
    referral_source: MaybeText = fact("referral_source", about=SOURCE)
    received_at: Instant = fact("received_at", default=..., about="When the delivery came.")
