"""PostHog's records: what the queries of `streams` select, row by row. Properties are text or missing there.

An event that PostHog pushes can be read as a signup, too: what a query selects lies among its properties there.
"""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from gtm_platform.ingest.record import (
    Id,
    Instant,
    MaybeBool,
    MaybeId,
    MaybeInstant,
    MaybeText,
    Record,
    Whole,
    at,
    either,
    fact,
)

# What PostHog's libraries call somebody before they sign in: a UUID, or something made like one.
ANONYMOUS = re.compile(r"([0-9a-z]+-){4}[0-9a-z]+", re.IGNORECASE)
ORIGIN = "Of the first visit that PostHog saw."


def _in_order(ids: Any) -> Any:
    """Anonymous ids last, as PostHog itself lists them; a query leaves the order open."""
    return sorted(ids, key=lambda each: (_is_anonymous(each), each)) if isinstance(ids, list) else ids


def _is_anonymous(distinct_id: Any) -> bool:
    return ANONYMOUS.fullmatch(str(distinct_id)) is not None


def _user_id(ids: Any) -> Any:
    chosen = _in_order(ids)
    return next((each for each in chosen if not _is_anonymous(each)), None) if isinstance(chosen, list) else chosen


def _address(ids: Any) -> Any:
    return next((each for each in _in_order(ids) if "@" in str(each)), None) if isinstance(ids, list) else ids


DistinctIds = Annotated[list[str], BeforeValidator(_in_order)]
UserId = Annotated[MaybeId, BeforeValidator(_user_id)]
Address = Annotated[MaybeText, BeforeValidator(_address)]
Count = Annotated[Whole, Field(ge=0)]


class Person(Record):
    """Somebody who was seen on the web site or in the product, under all the ids that PostHog has merged."""

    id: Id = at("id", default=..., about="PostHog's UUID of the person; it changes where persons are merged.")
    user_id: UserId = fact("distinct_ids", about="The id in the product: the first that is not anonymous.")
    distinct_ids: DistinctIds = fact("distinct_ids", default=[], about="All ids of the person, anonymous ones last.")
    is_identified: MaybeBool = at("is_identified", about="The product said who it is; else a visitor, or a program.")
    email: MaybeText = at("email", personal=True, about="As the product gave it.")
    address_id: Address = fact("distinct_ids", personal=True, about="An e-mail address that serves as an id.")
    name: MaybeText = at("name", personal=True, about="As the product gave it.")
    company: MaybeText = at("company", about="What they said that their company is called.")
    use_case: MaybeText = at("use_case", about="What they said that they want the product for.")
    created_at: MaybeInstant = at("created_at", about="When PostHog first saw them.")
    signed_up_at: MaybeInstant = at("signed_up_at", about="When they signed up, where the product keeps it here.")
    last_seen_at: MaybeInstant = fact("last_seen_at", about="Their last event of the 30 days before; None: no event.")
    initial_utm_source: MaybeText = at("initial_utm_source", about=ORIGIN)
    initial_utm_medium: MaybeText = at("initial_utm_medium", about=ORIGIN)
    initial_utm_campaign: MaybeText = at("initial_utm_campaign", about=ORIGIN)
    initial_referring_domain: MaybeText = at(
        "initial_referring_domain", about="The site that led to the first visit; $direct: none."
    )
    country: MaybeText = at("country", about="Where PostHog last located them.")
    city: MaybeText = at("city", personal=True, about="Where PostHog last located them.")
    timezone: MaybeText = at("timezone", about="Of that place.")


class Signup(Record):
    """An event of signing up for the product, with what was said there."""

    id: Id = at("uuid", default=..., about="PostHog's UUID of the event.")
    person_id: MaybeId = at("person_id", about="Who signed up; see posthog/persons.")
    distinct_id: MaybeId = at("distinct_id", about="The id under which the product reported it.")
    signed_up_at: Instant = at("timestamp", default=..., about="When it happened.")
    received_at: MaybeInstant = at("created_at", about="When PostHog got it, which may be days later.")
    email: MaybeText = either(
        ("email",), ("properties", "email"), personal=True, about="Stated with the event, else the person's."
    )
    company: MaybeText = either(
        ("company",), ("properties", "company"), about="Stated with the event, else the person's."
    )
    use_case: MaybeText = either(
        ("use_case",), ("properties", "use_case"), about="Stated with the event, else the person's."
    )
    utm_source: MaybeText = either(
        ("utm_source",),
        ("properties", "utm_source"),
        about="Of the event, else of the first visit: a backend knows of no campaign.",
    )
    utm_medium: MaybeText = either(("utm_medium",), ("properties", "utm_medium"), about="As utm_source.")
    utm_campaign: MaybeText = either(("utm_campaign",), ("properties", "utm_campaign"), about="As utm_source.")
    referring_domain: MaybeText = either(
        ("referring_domain",), ("properties", "$referring_domain"), about="The site that led there; $direct: none."
    )


class DailyUsage(Record):
    """What a person did on a day in UTC, counted by PostHog."""

    person_id: Id = at("person_id", default=..., about="Who; see posthog/persons.")
    day: date = at("day", default=..., about="The day in UTC.")
    logins: Count = at("logins", default=..., about="How often they logged in.")
    events: Count = at("events", default=..., about="How many events they caused, logins included.")
    last_event_at: Instant = at("last_event_at", default=..., about="When the last of them happened.")
