"""Stripe's API as its official client types it, brought into the form of OpenAPI."""

import json
import re
from functools import cache
from typing import Any

from stripe._error_object import ErrorObject
from stripe.params import CustomerCreateParams, CustomerUpdateParams

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
}
PLAIN = {"str": "string", "Decimal": "string", "int": "integer", "float": "number", "bool": "boolean"}
TEXT, WHOLE, TRUTH = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
TEXTS = {"type": "array", "items": TEXT}
BOUNDS = {"gt": WHOLE, "gte": WHOLE, "lt": WHOLE, "lte": WHOLE}
MOMENT = {"anyOf": [WHOLE, {"type": "object", "properties": BOUNDS, "additionalProperties": False}]}
TOLD: dict[str, Any] = {
    "limit": {**WHOLE, "minimum": 1, "maximum": 100},
    **dict.fromkeys(("created", "current_period_end", "current_period_start", "due_date"), MOMENT),
    **dict.fromkeys(("expand", "types", "ids", "lookup_keys"), TEXTS),
    **dict.fromkeys(("active", "shippable", "delivery_success"), TRUTH),
}
ANYTHING: dict[str, Any] = {}
HEADERS = [
    {"in": "header", "name": "authorization", "required": True, "schema": {"pattern": r"^(Bearer|Basic) \S+$"}},
    {"in": "header", "name": "stripe-version", "schema": {"pattern": r"^\d{4}-\d\d-\d\d\.\w+$"}},
]


@cache
def stripe() -> Description:
    told = json.loads((SPECS / "stripe/fields.json").read_text())
    samples = json.loads((SPECS / "stripe/fixtures3.subset.json").read_text())["resources"]
    names = set(told["resources"])
    schemas = {name: _object(fields, names) for name, fields in told["resources"].items()}
    for name, schema in schemas.items():
        _demand(schema, samples, name)
    schemas["Event"]["properties"]["type"] = {"enum": told["event_types"]}
    schemas["Event"]["properties"]["data"] = _event_data(schemas)
    schemas |= {"Account": _sampled(samples["account"]), "DeletedCustomer": _deleted(samples["deleted_customer"])}
    schemas["Error"] = _error()
    return Description("stripe", {"paths": _paths(told["list_parameters"]), "components": {"schemas": schemas}})


# --- the operations ------------------------------------------------------------------------------------------------


def _paths(parameters: dict[str, list[str]]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for path, name in LISTED.items():
        noun = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        paths[f"/v1/{path}"] = {"get": _reading(parameters[noun], _list_of(name))}
        paths[f"/v1/{path}/{{id}}"] = {"get": _reading(["expand"], _ref(name))}
    deleted = {"anyOf": [_ref("Customer"), _ref("DeletedCustomer")]}
    paths["/v1/customers/{id}"] = {
        "get": _reading(["expand"], deleted),
        "post": _writing(CustomerUpdateParams, _ref("Customer")),
    }
    paths["/v1/customers"]["post"] = _writing(CustomerCreateParams, _ref("Customer"))
    paging = ["ending_before", "expand", "limit", "starting_after"]
    paths["/v1/invoices/{id}/lines"] = {"get": _reading(paging, _list_of("InvoiceLineItem"))}
    paths["/v1/account"] = {"get": _reading(["expand"], _ref("Account"))}
    return paths


def _reading(names: list[str], answer: dict[str, Any]) -> dict[str, Any]:
    query = [{"in": "query", "name": name, "style": "deepObject", "schema": TOLD.get(name, {})} for name in names]
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
        one = {"enum": field["values"]}
        return {"anyOf": [one, {"type": "array", "items": one}]}
    if "fields" in field:
        shape = _object(field["fields"], names)
        if kind.startswith("map of "):
            return {"type": "object", "additionalProperties": shape}
        return {"type": "array", "items": shape} if kind.startswith("list of ") else shape
    return _named(kind, names)


def _named(kind: str, names: set[str]) -> dict[str, Any]:
    """A kind that is a sentence about other kinds; nothing is known of those that are not described."""
    expandable = kind.partition("id, expandable to ")[2]
    if expandable:
        gone = [_ref("DeletedCustomer")] if expandable == "Customer" else []
        return {"anyOf": [{"type": "string"}, *(_known(each, names) for each in expandable.split(", ")), *gone]}
    if kind.startswith("list of "):
        return _list_of(kind.removeprefix("list of "), names)
    inner = re.fullmatch(r"(map|List)\[(\w+)\]", kind)
    if inner:
        held = {"type": PLAIN[inner[2]]} if inner[2] in PLAIN else _known(inner[2], names)
        if inner[1] == "List":
            return {"type": "array", "items": held}
        return {"type": "object", "additionalProperties": held or True}
    return _known(kind, names)


def _known(name: str, names: set[str]) -> dict[str, Any]:
    return _ref(name) if name in names else {}


def _list_of(name: str, names: set[str] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["object", "data", "has_more", "url"],
        "properties": {
            "object": {"enum": ["list"]},
            "data": {"type": "array", "items": _ref(name) if names is None else _known(name, names)},
            "has_more": {"type": "boolean"},
            "url": {"type": "string"},
        },
    }


def _demand(schema: dict[str, Any], samples: dict[str, Any], name: str) -> None:
    noun = {"InvoiceLineItem": "line_item"}.get(name, re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower())
    _demand_as_in(samples.get(noun, {}), schema)


def _demand_as_in(sample: dict[str, Any], schema: dict[str, Any]) -> None:
    """What a sample holds is always there, at every depth."""
    told = schema["properties"]
    schema["required"] = sorted(sample.keys() & told.keys())
    for name in schema["required"]:
        if isinstance(sample[name], dict) and "properties" in told[name]:
            _demand_as_in(sample[name], told[name])


def _event_data(schemas: dict[str, Any]) -> dict[str, Any]:
    kinds = [_ref(name) for name, schema in schemas.items() if "object" in schema["properties"]]
    return {
        "type": "object",
        "required": ["object"],
        "properties": {"object": {"anyOf": kinds}, "previous_attributes": {"type": "object"}},
    }


def _sampled(sample: dict[str, Any]) -> dict[str, Any]:
    """An object of which there is a sample alone: its members are of the kinds of the sample's."""
    return {"type": "object", "required": ["id", "object"], "properties": {n: _like(v) for n, v in sample.items()}}


def _like(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"type": "object", "properties": {name: _like(inner) for name, inner in value.items()}}
    if isinstance(value, list):
        return {"type": "array", "items": _like(value[0]) if value else ANYTHING}
    kind = PLAIN.get(type(value).__name__)
    return {"type": kind, "nullable": True} if kind else ANYTHING


def _deleted(sample: dict[str, Any]) -> dict[str, Any]:
    """What is left of a record, which no living one fits."""
    left = {"id": TEXT, "object": {"enum": [sample["object"]]}, "deleted": {"const": True}}
    return {"type": "object", "required": sorted(left), "properties": left, "additionalProperties": False}


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
