"""Who is the same person or company, how sure that is, and whose word counts first."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from gtm_platform.policy.rules import Rules, Share


class Confidence(Rules):
    """How sure a match is, by what it rests on."""

    email: Share
    shared_id: Share
    merged: Share
    secondary_email: Share
    domain: Share
    contacts: Share = 0.9
    email_domain: Share


class Similar(Rules):
    """From which likeness on two that no rule ties together are listed for review."""

    people: Share = 0.95
    companies: Share = 0.9


class Precedence(Rules):
    """For each fact the sources in order of trust; those not listed come last, in their own order."""

    name: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    city: tuple[str, ...] = ()
    timezone: tuple[str, ...] = ()
    account_manager: tuple[str, ...] = ()
    company: tuple[str, ...] = ()
    company_name: tuple[str, ...] = ()


class Identity(Rules):
    """Matching of records."""

    shared_inboxes: list[str]
    free_mail_domains: list[str]
    company_domains: tuple[str, ...] = ()
    domain_aliases: Mapping[str, str] = Field(default_factory=dict)
    systems_of_record: tuple[str, ...] = ("hubspot",)
    largest_cluster: Annotated[int, Field(ge=2)]
    confidence: Confidence
    precedence: Precedence = Precedence()
    similar: Similar = Similar()
