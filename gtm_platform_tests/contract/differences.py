"""Where an emulator or a connector differs from what a system publishes of itself, and why it is right to.

A pattern's `*` stands for anything. A row that no longer tells of any difference fails the tests."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple

from gtm_platform_tests.contract.description import Finding


class Difference(NamedTuple):
    system: str
    operation: str
    pointer: str
    problem: str
    reason: str

    def tells_of(self, finding: Finding) -> bool:
        given = (finding.system, finding.operation, finding.pointer, finding.problem)
        return all(fnmatchcase(value, pattern) for value, pattern in zip(given, self, strict=False))


def unlisted(findings: Iterable[Finding], listed: Iterable[Difference]) -> list[str]:
    known = list(listed)
    return sorted(str(found) for found in findings if not any(each.tells_of(found) for each in known))


def outlived(findings: Iterable[Finding], listed: Iterable[Difference]) -> list[Difference]:
    told = list(findings)
    return [each for each in listed if not any(map(each.tells_of, told))]


UNKNOWN, NULL, STATUS, NOWHERE = "is not described", "is null", "is no status told of", "is no operation"

# Intercom
SHOWN = "The document's own examples hold it; its schemas do not name it."
NOT_YET = "Null until it happens; the document's examples hold the whole object as null, its schemas allow neither."
REFUSALS = "The document tells of few refusals; all have the same form of body, which clients rely on."
PAGING = "Paging is told of in Intercom's guide, not in this document."
ADDRESSES = "Clients follow the address of the next page here; the document has a cursor in its place."
SORTING = "The guide to searching has it; newer documents name it for contacts."

# HubSpot
NEWER = "The published API has it; the client that the description was read from does not know it yet."
EMPTY = "A property that was asked for and is empty comes as null; the client types all values as text."
NO_LABEL = "Most associations have no label, and say so with null; the client types it as text."
NUMBER = "Live answers hold a number where the client has text."
OBJECTS = "Sorts are objects; the client types them as text but sends what it is given."
SLASH = "Published without the slash at the end, which the client adds; both are answered."
LEFT = "Who has left is no user any more."
LIMITS = "Refusals at a limit have a body of their own, which the descriptions do not tell of."
ACCOUNT = "The account's details and its token have no part in the descriptions at hand."
SCHEMAS = "Schemas have no part in the descriptions at hand."
OLDER = "The older address of the definitions, from before the descriptions at hand."

# Stripe
EXPANDED = "The samples hold it because they were expanded; unasked, it is left out."
METERED = "Items that are billed by use have no quantity."

FOR_PEOPLE = "A page for people, which Slack's API does not have."
OURS = "An address that the system does not have, asked to see the refusal."

DIFFERENCES = (
    *(
        Difference("intercom", "*", f"200*/{name}", UNKNOWN, SHOWN)
        for name in (
            "companies/type", "notes/type", "tags/type", "social_profiles/type", "location/continent_code",
            "location/country_code", "opted_in_subscription_types", "opted_out_subscription_types", "referrer",
            "utm_campaign", "utm_content", "utm_medium", "utm_source", "utm_term", "enabled_push_messaging",
            "app/secure", "ticket_type/is_internal", "ticket", "topics",
        )
    ),
    Difference("intercom", "GET /contacts/{contact_id}/companies", "200/data", UNKNOWN, SHOWN),
    *(
        Difference("intercom", "* /conversations*", f"200*/{name}", NULL, NOT_YET)
        for name in (
            "conversation_rating/rating", "conversation_rating/remark", "statistics/first_*_at", "statistics/last_*_at",
            "statistics/last_closed_by_id", "statistics/handling_time", "statistics/median_time_to_reply",
            "statistics/time_to_*",
        )
    ),
    Difference("intercom", "POST /tickets/search", "200/tickets/each/snoozed_until", NULL, NOT_YET),
    Difference("intercom", "*", "200/pages/next/page", UNKNOWN, PAGING),
    Difference("intercom", "GET /contacts", "query/per_page", UNKNOWN, PAGING),
    Difference("intercom", "GET /admins/activity_logs", "200/pages/next", "is not of type object", ADDRESSES),
    Difference("intercom", "GET /admins/activity_logs", "query/page", UNKNOWN, ADDRESSES),
    Difference("intercom", "POST */search", "request/sort", UNKNOWN, SORTING),
    *(Difference("intercom", "*", status, STATUS, REFUSALS) for status in ("400", "401", "404", "409", "429")),
    Difference("intercom", "GET /unheard_of", "", NOWHERE, OURS),
    Difference("hubspot", "*", "20?*/url", UNKNOWN, NEWER),
    Difference("hubspot", "*", "4??/status", UNKNOWN, NEWER),
    Difference("hubspot", "*", "20?*/properties/*", NULL, EMPTY),
    Difference("hubspot", "*/associations/*", "20?*/label", NULL, NO_LABEL),
    Difference("hubspot", "*/associations/*", "20?*/toObjectId", "is not of type string", NUMBER),
    Difference("hubspot", "POST */search", "request/sorts/each", "is not of type string", OBJECTS),
    Difference("hubspot", "GET /crm/v3/owners/", "200/results/each/userId", NULL, LEFT),
    Difference("hubspot", "GET /crm/v3/owners", "", NOWHERE, SLASH),
    Difference("hubspot", "GET /account-info/v3/details", "", NOWHERE, ACCOUNT),
    Difference("hubspot", "POST /oauth/v2/private-apps/*", "", NOWHERE, ACCOUNT),
    Difference("hubspot", "GET /crm/v3/schemas*", "", NOWHERE, SCHEMAS),
    Difference("hubspot", "GET /properties/v?/*", "", NOWHERE, OLDER),
    Difference("hubspot", "GET /crm/v3/unheard_of", "", NOWHERE, OURS),
    Difference("hubspot", "*", "429/category", "is missing", LIMITS),
    *(Difference("hubspot", "*", f"429/{name}", UNKNOWN, LIMITS) for name in ("errorType", "groupName", "policyName")),
    Difference("stripe", "*", "200*/refunds", "is missing", EXPANDED),
    Difference("stripe", "GET /v1/subscription*", "200*/quantity", "is missing", METERED),
    Difference("stripe", "GET /v1/unheard_of", "", NOWHERE, OURS),
    Difference("slack", "GET /", "", NOWHERE, FOR_PEOPLE),
    Difference("slack", "GET /archives/*", "", NOWHERE, FOR_PEOPLE),
)  # fmt: skip
