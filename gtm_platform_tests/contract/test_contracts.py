"""All that the platform asks and all that the emulators answer, against what the systems publish of themselves."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from slack_sdk.models.blocks import Block

from gtm_platform.sources.intercom.settings import IntercomSettings
from gtm_platform.sources.stripe.settings import StripeSettings
from gtm_platform_tests.contract.description import Description, Finding
from gtm_platform_tests.contract.differences import DIFFERENCES, Difference, outlived, unlisted
from gtm_platform_tests.contract.hubspot_api import hubspot
from gtm_platform_tests.contract.intercom_api import intercom
from gtm_platform_tests.contract.places import needs_specs
from gtm_platform_tests.contract.recorder import Exchange, Recorder, parsed
from gtm_platform_tests.contract.slack_api import slack
from gtm_platform_tests.contract.stripe_api import stripe
from gtm_platform_tests.contract.systems import Systems
from gtm_platform_tests.contract.walks import WALKS

pytestmark = needs_specs

PINNED: str = IntercomSettings.model_fields["intercom_api_version"].default
DESCRIPTIONS: dict[str, Callable[[], Description]] = {
    "hubspot": hubspot,
    "stripe": stripe,
    "intercom": lambda: intercom(PINNED),
    "slack": slack,
}
of_each_system = pytest.mark.parametrize("system", WALKS)

OBJECTS = ("contacts", "companies", "deals")
ENGAGEMENTS = ("notes", "calls", "meetings", "emails", "tasks")
STRIPE_LISTS = (
    "products", "prices", "coupons", "customers", "subscriptions", "invoices", "charges", "refunds", "disputes",
)  # fmt: skip
USED = {
    "hubspot": {
        *(f"GET /crm/v3/objects/{kind}" for kind in OBJECTS + ENGAGEMENTS),
        *(f"POST /crm/v3/objects/{kind}/search" for kind in OBJECTS + ENGAGEMENTS),
        "POST /crm/v4/associations/{fromObjectType}/{toObjectType}/batch/read",
        "GET /crm/v3/owners/",
        "GET /crm/v3/pipelines/{objectType}",
        "POST /crm/v3/objects/contacts/batch/read",
        "POST /crm/v3/objects/contacts/batch/update",
        "POST /crm/v3/objects/contacts/batch/create",
        "POST /crm/v3/objects/companies/batch/create",
        "POST /crm/v3/objects/companies/batch/read",
        "POST /crm/v4/associations/{fromObjectType}/{toObjectType}/batch/associate/default",
        "GET /crm/v3/properties/{objectType}",
        "POST /crm/v3/properties/{objectType}",
        "PATCH /crm/v3/properties/{objectType}/{propertyName}",
        "GET /crm/v3/properties/{objectType}/groups",
        "POST /crm/v3/properties/{objectType}/groups",
    },
    "stripe": {
        *(f"GET /v1/{path}" for path in STRIPE_LISTS),
        *(f"GET /v1/{path}/{{id}}" for path in STRIPE_LISTS[3:]),
        "GET /v1/events",
        "GET /v1/subscription_items",
        "GET /v1/invoices/{id}/lines",
        "GET /v1/account",
    },
    "intercom": {
        "GET /me",
        "GET /contacts",
        "POST /contacts/search",
        "GET /contacts/{contact_id}/companies",
        "GET /contacts/{contact_id}/tags",
        "POST /companies/list",
        "GET /companies/scroll",
        "GET /conversations",
        "POST /conversations/search",
        "GET /conversations/{conversation_id}",
        "POST /tickets/search",
        "GET /admins",
        "GET /tags",
    },
    "slack": {"POST /api/chat.postMessage"},
}


def described(system: str) -> Description:
    return DESCRIPTIONS[system]()


def findings_of(description: Description, exchanges: Iterable[Exchange], *, ours: bool) -> set[Finding]:
    """What we ask is judged whatever was answered; a walker's questions only where they were not refused."""
    return {
        finding
        for exchange in exchanges
        for finding in description.disagreements(exchange, asked_rightly=ours or exchange.status < 400)
    }


@pytest.fixture(scope="module")
def findings(swept: Recorder, walked: Recorder, turned_away: Recorder) -> dict[str, set[Finding]]:
    return {
        system: findings_of(described(system), swept.of(system), ours=True)
        | findings_of(described(system), walked.of(system) + turned_away.of(system), ours=False)
        for system in WALKS
    }


def listed(system: str) -> list[Difference]:
    return [each for each in DIFFERENCES if each.system == system]


@of_each_system
def test_every_exchange_is_as_described(system: str, findings: dict[str, set[Finding]]) -> None:
    wrong = unlisted(findings[system], listed(system))
    assert not wrong, f"{len(wrong)} ways to differ from {system}'s description:\n" + "\n".join(wrong)


@of_each_system
def test_every_listed_difference_is_still_there(system: str, findings: dict[str, set[Finding]]) -> None:
    assert outlived(findings[system], listed(system)) == []


@of_each_system
def test_every_operation_that_the_platform_uses_was_asked(system: str, swept: Recorder) -> None:
    """What the description tells nothing of is a listed difference."""
    operations = [described(system).operation(exchange) for exchange in swept.of(system)]
    assert {str(each) for each in operations if each} == USED[system], (
        f"{len(swept.of(system))} exchanges with {system}"
    )


@of_each_system
def test_every_address_of_the_emulator_answered(
    system: str, emulators: Systems, swept: Recorder, walked: Recorder
) -> None:
    counts = emulators.answered(system, swept.of(system) + walked.of(system))
    silent = [route for route, count in counts.items() if not count]
    assert not silent, f"{len(silent)} of {len(counts)} addresses of {system} were never asked: {silent}"


@of_each_system
def test_nothing_that_the_platform_asks_is_refused(system: str, swept: Recorder) -> None:
    refused = [str(exchange) for exchange in swept.of(system) if exchange.status >= 400]
    assert swept.of(system)
    assert refused == []


@of_each_system
def test_too_many_calls_are_refused_as_described(system: str, turned_away: Recorder) -> None:
    assert [exchange.status for exchange in turned_away.of(system)] == [200, 429]


@pytest.mark.parametrize(("system", "header"), [("intercom", "intercom-version"), ("stripe", "stripe-version")])
def test_every_call_names_the_pinned_version(swept: Recorder, system: str, header: str) -> None:
    pinned = (
        {"intercom": IntercomSettings, "stripe": StripeSettings}[system].model_fields[f"{system}_api_version"].default
    )
    assert {exchange.headers.get(header) for exchange in swept.of(system)} == {pinned}


@of_each_system
def test_every_call_brings_the_key_in_the_header_only(system: str, swept: Recorder) -> None:
    for exchange in swept.of(system):
        key = exchange.headers["authorization"].removeprefix("Bearer ")
        assert key
        assert key not in str(exchange.query) + exchange.body.decode()


@pytest.mark.parametrize("version", ["2.11", "2.14", "2.16"])
def test_what_is_asked_of_intercom_is_right_in_each_version(swept: Recorder, version: str) -> None:
    exchanges = [
        replace(exchange, headers={**exchange.headers, "intercom-version": version})
        for exchange in swept.of("intercom")
    ]
    differing = findings_of(intercom(version), exchanges, ours=True)
    asked = {each for each in differing if not each.pointer[:3].isdigit()}
    assert unlisted(asked, listed("intercom")) == []


def test_slacks_own_client_can_read_what_is_posted(swept: Recorder) -> None:
    posted = [parsed(exchange.body)["blocks"] for exchange in swept.of("slack")]
    assert len(posted) > 3
    for block in Block.parse_all([block for blocks in posted for block in blocks]):
        block.validate_json()


def longest(swept: Recorder, system: str, path: str) -> Exchange:
    return max((each for each in swept.of(system) if each.path == path), key=lambda each: len(each.answer))


class TestTheJudge:
    """It would notice."""

    @pytest.mark.parametrize(
        ("system", "path", "tampered", "problem"),
        [
            ("intercom", "/admins", lambda body: body["admins"][0].update(id=[1]), "is not of type string"),
            ("intercom", "/admins", lambda body: body["admins"][0].update(mood="good"), "is not described"),
            ("intercom", "/admins", lambda body: body.update(admins={}), "is not of type array"),
            ("hubspot", "/crm/v3/owners/", lambda body: body["results"][0].pop("id"), "is missing"),
            ("hubspot", "/crm/v3/owners/", lambda body: body["results"][0].update(createdAt="now"), "fails format"),
            ("stripe", "/v1/refunds", lambda body: body["data"][0].update(reason="mood"), "is none of the values told"),
            ("stripe", "/v1/refunds", lambda body: body["data"][0].pop("currency"), "is missing"),
            ("stripe", "/v1/refunds", lambda body: body["data"][0].update(mood="good"), "is not described"),
            ("stripe", "/v1/refunds", lambda body: body["data"][0].update(amount=None), "is null"),
        ],
    )
    def test_an_answer_with_a_flaw(
        self, swept: Recorder, system: str, path: str, tampered: Callable[[Any], object], problem: str
    ) -> None:
        exchange = longest(swept, system, path)
        before, answer = findings_of(described(system), [exchange], ours=True), parsed(exchange.answer)
        tampered(answer)
        flawed = replace(exchange, answer=json.dumps(answer).encode())
        after = findings_of(described(system), [flawed], ours=True)
        assert [finding.problem for finding in after - before] == [problem]
        assert unlisted(after, listed(system))

    @pytest.mark.parametrize(
        ("system", "path", "change"),
        [
            ("intercom", "/contacts", {"path": "/customers"}),
            ("intercom", "/contacts", {"method": "PUT"}),
            ("intercom", "/contacts", {"status": 418}),
            ("intercom", "/contacts", {"query": [("mood", "good")]}),
            ("intercom", "/conversations", {"query": [("per_page", "151")]}),
            ("intercom", "/contacts", {"headers": {"intercom-version": "0.1"}}),
            ("intercom", "/contacts/search", {"body": b'{"sort": {}}'}),
            ("intercom", "/contacts/search", {"headers": {"content-type": "text/plain"}}),
            ("hubspot", "/crm/v3/owners/", {"headers": {}}),
            ("hubspot", "/crm/v3/objects/contacts", {"query": [("limit", "many")]}),
            ("hubspot", "/crm/v3/objects/contacts/batch/update", {"body": b'{"inputs": [{"id": 1}]}'}),
            ("stripe", "/v1/events", {"query": [("created[since]", "1")]}),
            ("stripe", "/v1/events", {"query": [("limit", "101")]}),
            ("stripe", "/v1/refunds", {"answer": b"", "answer_headers": {}}),
            ("slack", "/api/chat.postMessage", {"body": b'{"text": "without a channel"}'}),
        ],
    )
    def test_a_wrong_request_or_an_unheard_of_answer(
        self, swept: Recorder, system: str, path: str, change: dict[str, Any]
    ) -> None:
        exchange = longest(swept, system, path)
        assert unlisted(findings_of(described(system), [replace(exchange, **change)], ours=True), listed(system))
