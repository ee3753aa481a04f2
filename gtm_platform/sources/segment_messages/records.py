"""Segment's messages: one shape, told apart by their type."""

from gtm_platform.ingest.hooks.streams import PushedRecord
from gtm_platform.ingest.record import MaybeId, MaybeInstant, MaybeText, at, either, fact

USER, ANONYMOUS = "The product's own id of the person.", "Segment's id of a visitor who is not known yet."
URL = ("context", "page", "url")


class Happening(PushedRecord):
    """A track, page or screen message: somebody did something."""

    type: MaybeText = at("type", about="track, page or screen.")
    name: MaybeText = either(("event",), ("name",), about="What was done, or the page's name.")
    user_id: MaybeId = at("userId", about=USER)
    anonymous_id: MaybeId = at("anonymousId", about=ANONYMOUS)
    group_id: MaybeId = either(("context", "groupId"), ("groupId",), about="The product's own id of the account.")
    email: MaybeText = either(
        ("context", "traits", "email"), ("properties", "email"), personal=True, about="Who did it, where that is known."
    )
    url: MaybeText = either(("properties", "url"), URL, about="The page.")
    happened_at: MaybeInstant = fact("happened_at", about="When, by Segment's clock.")


class Person(PushedRecord):
    """An identify message: what is known of a person."""

    user_id: MaybeId = at("userId", about=USER)
    anonymous_id: MaybeId = at("anonymousId", about=ANONYMOUS)
    email: MaybeText = at("traits", "email", personal=True, about="Their address.")
    name: MaybeText = at("traits", "name", personal=True, about="First and last name.")
    company_name: MaybeText = either(
        ("traits", "company", "name"), ("traits", "company_name"), about="Where they work."
    )
    happened_at: MaybeInstant = fact("happened_at", about="When, by Segment's clock.")


class Company(PushedRecord):
    """A group message: what is known of an account."""

    group_id: MaybeId = at("groupId", about="The product's own id of the account.")
    name: MaybeText = at("traits", "name", about="What it is called.")
    domain: MaybeText = either(("traits", "domain"), ("traits", "website"), about="Its domain.")
    industry: MaybeText = at("traits", "industry", about="As the product names it.")
    plan: MaybeText = at("traits", "plan", about="The plan, as the product names it.")
    user_id: MaybeId = at("userId", about=USER)
    happened_at: MaybeInstant = fact("happened_at", about="When, by Segment's clock.")
