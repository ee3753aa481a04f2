"""Who is the same person or company, how sure that is, and whose word counts first."""

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
    email_domain: Share


class Precedence(Rules):
    """Sources in the order in which their word counts; those that are not listed come after, in their own order."""

    name: list[str] = []
    country: list[str] = []
    city: list[str] = []
    timezone: list[str] = []
    account_manager: list[str] = []
    company: list[str] = []
    company_name: list[str] = []


class Identity(Rules):
    """Matching of records."""

    shared_inboxes: list[str]
    free_mail_domains: list[str]
    largest_cluster: Annotated[int, Field(ge=2)]
    confidence: Confidence
    precedence: Precedence = Precedence()
