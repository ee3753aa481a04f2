"""Reo.dev's records: field names of ours, paths into theirs. "" and the text "null" stand for nothing.

The models of webhooks are read where deliveries are received; what they hold is the same as in the lists.
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator

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
    fact,
)

DOMAIN, NAME = "Domain of its web site.", "What it is called."
RANGE = "How many people work there, from and to."
ACCOUNT = ("developer", "account")
EARLIEST = 1990


def _null_text(value: Any) -> Any:
    return None if isinstance(value, str) and value.strip().lower() in ("", "null") else value


def _words(value: Any) -> Any:
    """A list that came joined by commas."""
    text = _null_text(value)
    return (
        []
        if text is None
        else [word.strip() for word in text.split(",") if word.strip()]
        if isinstance(text, str)
        else text
    )


def _possible(value: Any) -> Any:
    """A year that no event can have means that the sender mistook the unit: the time of arrival has to do."""
    year = str(value or "")[:8].partition("-")[0]
    return value if year.isdigit() and EARLIEST <= int(year) <= datetime.max.year and len(year) == 4 else None


Text = Annotated[MaybeText, BeforeValidator(_null_text)]
Words = Annotated[list[str], BeforeValidator(_words)]
PossibleInstant = Annotated[MaybeInstant, BeforeValidator(_possible)]


class Segment(Record):
    """A saved selection of accounts, developers or buyers."""

    id: Id = at("id", default=..., about="Reo.dev's id of it.")
    name: Text = at("name", about="As we call it.")
    type: Text = at("type", about="ACCOUNT, DEVELOPER or BUYER.")


class Account(Record):
    """A company whose developers show interest."""

    id: Id = at("id", default=..., about="Reo.dev's id of it.")
    name: Text = at("account_name", about=NAME)
    domain: Text = at("account_domain", about=DOMAIN)
    linkedin_url: Text = at("linkedin", about="Its page at LinkedIn.")
    industry: Text = at("industry", about="As Reo.dev names it.")
    country: Text = at("country", about="Where it is.")
    city: Text = at("city", about="Where it is.")
    employee_count_range: Text = at("employee_count_range", about=RANGE)
    annual_revenue: Text = at("annual_revenue", about="From and to.")
    customer_fit: Text = at("customer_fit", about="How well Reo.dev thinks that it fits.")
    developer_activity: Text = at("developer_activity", about="HIGH, MEDIUM or LOW.")
    activity_score: MaybeAmount = at("activity_score_numeric", about="0 to 100.")
    developers: MaybeInt = at("active_developers_count", about="How many developers were active.")
    technologies: Words = at("preferred_technology", default=[], about="What they like to work with.")
    first_active_on: MaybeInstant = at("first_activity_date", about="Day of the first activity.")
    last_active_on: MaybeInstant = at("last_activity_date", about="Day of the last activity.")
    segment_ids: list[str] = fact("segment_ids", default=[], about="The segments it is in; see reodev/segments.")


class Developer(Record):
    """A developer of an account."""

    id: Id = at("id", default=..., about="Reo.dev's id of them.")
    account_id: MaybeId = at("org_id", about="Their company; see reodev/accounts.")
    name: Text = at("developer_name", personal=True, about="First and last name.")
    designation: Text = at("designation", about="What they are there.")
    email: Text = at("developer_business_email", personal=True, about="Their address at work.")
    github_url: Text = at("developer_github", personal=True, about="Their page at GitHub.")
    linkedin_url: Text = at("developer_linkedin", personal=True, about="Their page at LinkedIn.")
    activity_score: MaybeAmount = at("activity_score_numeric", about="0 to 100.")
    country: Text = at("country", about="Where they are.")
    first_active_on: MaybeInstant = at("first_activity_date", about="Day of the first activity.")
    last_active_on: MaybeInstant = at("last_activity_date", about="Day of the last activity.")


class Activity(Record):
    """Something that a developer of an account did, on a day."""

    id: Id = fact("id", default=..., about="Made of the whole row, as Reo.dev gives it none.")
    account_id: Id = fact("account_id", default=..., about="See reodev/accounts.")
    company_name: Text = fact("company_name", about=NAME)
    company_domain: Text = fact("company_domain", about=DOMAIN)
    kind: Id = fact("kind", default=..., about="star, fork, pull_request, issue, commit, copy_command, visit or other.")
    repository: Text = fact("repository", about="The repository, as owner/name.")
    act: Text = fact("act", personal=True, about="The login, or the number of the issue: what tells acts apart.")
    activity_type: Text = at("activity_type", about="As Reo.dev names it.")
    activity_source: Text = at("activity_source", about="Where Reo.dev saw it.")
    info: Text = at("activity_info", about="What was done, or an address.")
    page: Text = at("page", about="Title of the page.")
    source_url: Text = at("source_url", about="Where it can be seen.")
    developer_id: MaybeId = at("developer_id", about="See reodev/developers.")
    developer_name: Text = at("actor", personal=True, about="Who did it.")
    developer_email: Text = fact("developer_email", personal=True, about="Their address at work.")
    github_login: Text = fact("github_login", personal=True, about="Their name at GitHub.")
    occurred_on: Instant = at("activity_date", default=..., about="The day; Reo.dev shows no time.")


class WebhookActivity(Record):
    """An activity as Reo.dev's webhook delivers it, with the developer and their company inside."""

    id: Id = fact("id", default=..., about="Made of the delivery.")
    kind: Id = fact("kind", default=..., about="As of reodev/activities.")
    repository: Text = fact("repository", about="The repository, as owner/name.")
    activity_type: Id = at("activity_type", default=..., about="As Reo.dev names it.")
    source_type: Text = at("source_type", about="WEBSITE, GITHUB, LINKEDIN and others.")
    source_url: Text = at("activity_source_url", about="Where it can be seen.")
    info: Text = at("activity_info", about="What was done.")
    developer_name: Text = at("developer", "developer_name", personal=True, about="Who did it.")
    developer_email: Text = at("developer", "developer_business_email", personal=True, about="Their address at work.")
    github_url: Text = at("developer", "developer_github", personal=True, about="Their page at GitHub.")
    company_name: Text = at(*ACCOUNT, "account_name", about=NAME)
    company_domain: Text = at(*ACCOUNT, "account_domain", about=DOMAIN)
    country: Text = at(*ACCOUNT, "country", about="Where the company is.")
    industry: Text = at(*ACCOUNT, "industry", about="As Reo.dev names it.")
    employee_count_range: Text = at(*ACCOUNT, "employee_count_range", about=RANGE)
    stated_at: PossibleInstant = at("activity_date", about="When it happened; None where the year is impossible.")
    received_at: Instant = fact("received_at", default=..., about="When the delivery came.")
