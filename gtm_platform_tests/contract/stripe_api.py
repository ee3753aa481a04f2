"""Stripe's API as its official client types it, brought into the form of OpenAPI."""

import json
import re
from functools import cache
from typing import Any

from stripe import BalanceTransaction, PaymentIntent
from stripe._error_object import ErrorObject
from stripe.params import (
    AccountListParams,
    CustomerCreateParams,
    CustomerSearchParams,
    CustomerUpdateParams,
    PaymentIntentListParams,
    PlanListParams,
)

from gtm_platform_tests.contract.description import FORM, JSON, Description
from gtm_platform_tests.contract.places import SPECS

LISTED = {
    "products": "Product",
    "prices": "Price",
    "coupons": "Coupon",
    "customers": "Customer",
    "subscriptions": "Subscription",
    "subscription_items": "SubscriptionItem",
    "invoices": "Invoice",
    "invoice_payments": "InvoicePayment",
    "credit_notes": "CreditNote",
    "charges": "Charge",
    "refunds": "Refund",
    "disputes": "Dispute",
    "events": "Event",
    "plans": "Plan",
    "payment_intents": "PaymentIntent",
    "accounts": "Account",
}
TYPED_LISTS = {"plan": PlanListParams, "payment_intent": PaymentIntentListParams, "account": AccountListParams}
TYPED_OBJECTS = {"PaymentIntent": PaymentIntent, "BalanceTransaction": BalanceTransaction}
PLAIN = {"str": "string", "Decimal": "string", "int": "integer", "float": "number", "bool": "boolean"}
TEXT, WHOLE, TRUTH = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
TEXTS = {"type": "array", "items": TEXT}
BOUNDS = {"gt": WHOLE, "gte": WHOLE, "lt": WHOLE, "lte": WHOLE}
MOMENT = {"anyOf": [WHOLE, {"type": "object", "properties": BOUNDS, "additionalProperties": False}]}
PARAMETERS: dict[str, Any] = {
    "limit": {**WHOLE, "minimum": 1, "maximum": 100},
    **dict.fromkeys(("created", "current_period_end", "current_period_start", "due_date"), MOMENT),
    **dict.fromkeys(("expand", "types", "ids", "lookup_keys"), TEXTS),
    **dict.fromkeys(("active", "shippable", "delivery_success"), TRUTH),
}
ANYTHING: dict[str, Any] = {}
HEADERS = [
    {"in": "header", "name": "authorization", "required": True, "schema": {"pattern": r"^(Bearer|Basic) \S+$"}},
    {"in": "header", "name": "stripe-version", "schema": {"pattern": r"^\d{4}-\d\d-\d\d(\.\w+)?$"}},
]


@cache
def stripe() -> Description:
    """Read the description from the stored field lists, the samples and the client's types."""
    stored = json.loads((SPECS / "stripe/fields.json").read_text())
    samples = json.loads((SPECS / "stripe/fixtures3.subset.json").read_text())["resources"]
    names = {*stored["resources"], *TYPED_OBJECTS}
    schemas = {name: _object(fields, names) for name, fields in stored["resources"].items()}
    schemas |= {name: _typed(kind, samples[_noun(name)]) for name, kind in TYPED_OBJECTS.items()}
    for name, schema in schemas.items():
        _demand(schema, samples, name)
    schemas["Event"]["properties"]["type"] = {"enum": stored["event_types"]}
    schemas["Event"]["properties"]["data"] = _event_data(schemas)
    schemas |= {"Account": _sampled(samples["account"]), "DeletedCustomer": _deleted(samples["deleted_customer"])}
    schemas["Error"] = _error()
    parameters = stored["list_parameters"] | {noun: list(kind.__annotations__) for noun, kind in TYPED_LISTS.items()}
    return Description("stripe", {"paths": _paths(parameters), "components": {"schemas": schemas}})


# --- the operations ------------------------------------------------------------------------------------------------


def _paths(parameters: dict[str, list[str]]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for path, name in LISTED.items():
        paths[f"/v1/{path}"] = {"get": _reading(parameters[_noun(name)], _list_of(name))}
        paths[f"/v1/{path}/{{id}}"] = {"get": _reading(["expand"], _ref(name))}
    deleted = {"anyOf": [_ref("Customer"), _ref("DeletedCustomer")]}
    paths["/v1/customers/{id}"] = {
        "get": _reading(["expand"], deleted),
        "post": _writing(CustomerUpdateParams, _ref("Customer")),
        "delete": {"parameters": HEADERS, "responses": _answers(_ref("DeletedCustomer"))},
    }
    search = _reading(list(CustomerSearchParams.__annotations__), _search_result("Customer"))
    paths["/v1/customers/search"] = {"get": search}
    paths["/v1/customers"]["post"] = _writing(CustomerCreateParams, _ref("Customer"))
    paging = ["ending_before", "expand", "limit", "starting_after"]
    paths["/v1/invoices/{id}/lines"] = {"get": _reading(paging, _list_of("InvoiceLineItem"))}
    paths["/v1/account"] = {"get": _reading(["expand"], _ref("Account"))}
    return paths


def _reading(names: list[str], answer: dict[str, Any]) -> dict[str, Any]:
    query = [{"in": "query", "name": name, "style": "deepObject", "schema": PARAMETERS.get(name, {})} for name in names]
    return {"parameters": [*HEADERS, *query], "responses": _answers(answer)}


def _writing(params: Any, answer: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": dict.fromkeys(params.__annotations__, ANYTHING)}
    return {
        "parameters": [*HEADERS, {"in": "header", "name": "idempotency-key", "schema": {"type": "string"}}],
        "requestBody": {"content": {FORM: {"schema": schema}}},
        "responses": _answers(answer),
    }


def _answers(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "200": {"content": {JSON: {"schema": schema}}},
        "4XX": {"content": {JSON: {"schema": _ref("Error")}}},
    }


# --- the shapes ----------------------------------------------------------------------------------------------------


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(fields: dict[str, Any], names: set[str]) -> dict[str, Any]:
    shapes = {name: _field(field, names) for name, field in fields.items()}
    if "discounts" in shapes:  # lists, which the types were read without
        shapes["discounts"] = {"type": "array", "items": shapes["discounts"]}
    return {"type": "object", "properties": shapes}


def _field(field: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {**_kind(field, names), "nullable": True} if field.get("nullable") else _kind(field, names)


def _kind(field: dict[str, Any], names: set[str]) -> dict[str, Any]:
    kind = field["type"]
    if kind in PLAIN:
        return {"type": PLAIN[kind]}
    if kind == "enum":
        value = {"enum": field["values"]}
        return {"anyOf": [value, {"type": "array", "items": value}]}
    if "fields" in field:
        shape = _object(field["fields"], names)
        if kind.startswith("map of "):
            return {"type": "object", "additionalProperties": shape}
        return {"type": "array", "items": shape} if kind.startswith("list of ") else shape
    return _named(kind, names)


def _named(kind: str, names: set[str]) -> dict[str, Any]:
    """A kind that is a sentence about other kinds; those that are not described may be anything."""
    expandable = kind.partition("id, expandable to ")[2]
    if expandable:
        deleted = [_ref("DeletedCustomer")] if expandable == "Customer" else []
        objects = [_described(each, names) for each in expandable.split(", ")]
        return {"anyOf": [{"type": "string"}, *objects, *deleted]}
    if kind.startswith("list of "):
        return _list_of(kind.removeprefix("list of "), names)
    inner = re.fullmatch(r"(map|List)\[(\w+)\]", kind)
    if inner:
        content = {"type": PLAIN[inner[2]]} if inner[2] in PLAIN else _described(inner[2], names)
        if inner[1] == "List":
            return {"type": "array", "items": content}
        return {"type": "object", "additionalProperties": content or True}
    return _described(kind, names)


def _described(name: str, names: set[str]) -> dict[str, Any]:
    return _ref(name) if name in names else {}


def _list_of(name: str, names: set[str] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["object", "data", "has_more", "url"],
        "properties": {
            "object": {"enum": ["list"]},
            "data": {"type": "array", "items": _ref(name) if names is None else _described(name, names)},
            "has_more": {"type": "boolean"},
            "url": {"type": "string"},
        },
    }


def _search_result(name: str) -> dict[str, Any]:
    result = _list_of(name)
    result["properties"]["object"] = {"enum": ["search_result"]}
    result["properties"] |= {"next_page": {**TEXT, "nullable": True}, "total_count": WHOLE}
    return {**result, "required": [*result["required"], "next_page"]}


def _noun(name: str) -> str:
    """`payment_intent` of `PaymentIntent`."""
    return {"InvoiceLineItem": "line_item"}.get(name, re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower())


def _typed(kind: Any, sample: dict[str, Any]) -> dict[str, Any]:
    """An object with the client's fields, of which the sample tells the kinds of the plain ones."""
    plain = {name: {**_like(value), "nullable": True} for name, value in sample.items() if type(value) in (str, int)}
    return {"type": "object", "properties": {**dict.fromkeys(kind.__annotations__, ANYTHING), **plain}}


def _demand(schema: dict[str, Any], samples: dict[str, Any], name: str) -> None:
    _demand_as_in(samples.get(_noun(name), {}), schema)


def _demand_as_in(sample: dict[str, Any], schema: dict[str, Any]) -> None:
    """Require what a sample has, at every depth."""
    properties = schema["properties"]
    schema["required"] = sorted(sample.keys() & properties.keys())
    for name in schema["required"]:
        if isinstance(sample[name], dict) and "properties" in properties[name]:
            _demand_as_in(sample[name], properties[name])


def _event_data(schemas: dict[str, Any]) -> dict[str, Any]:
    kinds = [_ref(name) for name, schema in schemas.items() if "object" in schema["properties"]]
    return {
        "type": "object",
        "required": ["object"],
        "properties": {"object": {"anyOf": kinds}, "previous_attributes": {"type": "object"}},
    }


def _sampled(sample: dict[str, Any]) -> dict[str, Any]:
    """An object of which a sample is all that is stored: its members are of the kinds of the sample's."""
    return {"type": "object", "required": ["id", "object"], "properties": {n: _like(v) for n, v in sample.items()}}


def _like(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"type": "object", "properties": {name: _like(inner) for name, inner in value.items()}}
    if isinstance(value, list):
        return {"type": "array", "items": _like(value[0]) if value else ANYTHING}
    kind = PLAIN.get(type(value).__name__)
    return {"type": kind, "nullable": True} if kind else ANYTHING


def _deleted(sample: dict[str, Any]) -> dict[str, Any]:
    """The rest of a deleted record, which no living one fits."""
    rest = {"id": TEXT, "object": {"enum": [sample["object"]]}, "deleted": {"const": True}}
    return {"type": "object", "required": sorted(rest), "properties": rest, "additionalProperties": False}


def _error() -> dict[str, Any]:
    error = {
        "type": "object",
        "required": ["type", "message"],
        "properties": {
            **dict.fromkeys(ErrorObject.__annotations__, ANYTHING),
            "type": {"enum": ["api_error", "card_error", "idempotency_error", "invalid_request_error"]},
            **dict.fromkeys(("code", "doc_url", "message", "param", "request_log_url"), TEXT),
        },
    }
    return {"type": "object", "required": ["error"], "properties": {"error": error}}
