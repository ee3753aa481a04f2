"""Orb's and ChartMogul's APIs as their official clients type them, brought into the form of OpenAPI."""

import json
from functools import cache
from typing import Any, get_type_hints

from orb.types import (
    CreditNoteListParams,
    CustomerListParams,
    InvoiceListParams,
    PlanListParams,
    SubscriptionListParams,
)

from gtm_platform_tests.contract.description import JSON, Description
from gtm_platform_tests.contract.places import SPECS

Schema = dict[str, Any]
TEXT, TRUTH, OBJECT = {"type": "string"}, {"type": "boolean"}, {"type": "object"}

# --- Orb -------------------------------------------------------------------------------------------------------------

ORB_LISTS = {
    "customers": ("customer", CustomerListParams),
    "subscriptions": ("subscription", SubscriptionListParams),
    "plans": ("plan", PlanListParams),
    "invoices": ("invoice", InvoiceListParams),
    "credit_notes": ("credit_note", CreditNoteListParams),
}
STATUSES = {"draft", "issued", "paid", "synced", "void"}


@cache
def orb() -> Description:
    """Read the shapes from the stored schemas, the parameters from the client's types."""
    stored = json.loads((SPECS / "orb/schemas.json").read_text())
    paths = {f"/v1/{path}": _orb_list(stored["resources"][name], params) for path, (name, params) in ORB_LISTS.items()}
    paths["/v1/ping"] = _reading("Bearer", [], _object(response=TEXT))
    return Description("orb", {"paths": paths, "$defs": stored["$defs"]})


def _orb_list(resource: Schema, params: Any) -> Schema:
    metadata = _object(has_more=TRUTH, next_cursor={"type": "string", "nullable": True})
    answer = _object(data={"type": "array", "items": resource}, pagination_metadata=metadata)
    return _reading("Bearer", [_orb_parameter(name) for name in _wire_names(params)], answer)


def _wire_names(params: Any) -> set[str]:
    """The names of parameters as they are sent, those with comparisons in brackets once."""
    hints = get_type_hints(params, include_extras=True)
    aliases = {name: getattr(hint, "__metadata__", ()) for name, hint in hints.items()}
    return {
        next((part.alias for part in parts if getattr(part, "alias", None)), name).partition("[")[0]
        for name, parts in aliases.items()
    }


def _orb_parameter(name: str) -> Schema:
    if name == "limit":
        return _query(name, {"type": "integer", "minimum": 1, "maximum": 100})
    if name == "status":
        return _query(name, {"type": "array", "items": {"enum": sorted(STATUSES)}})
    return _query(name, {})


# --- ChartMogul ------------------------------------------------------------------------------------------------------

CHARTMOGUL_PARAMETERS = {
    "Customer": ("data_source_uuid", "external_id", "status", "system"),
    "Activity": ("start-date", "end-date", "type", "order", "start-after"),
    "Plan": ("data_source_uuid", "external_id", "system"),
}
RANGE = ("start-date", "end-date", "interval", "geo", "plans", "filters")
KINDS: dict[str, Schema] = {
    "string": TEXT,
    "datetime": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"},
    "integer": {"type": "integer"},
    "float": {"type": "number"},
    "boolean": TRUTH,
    "list": {"type": "array"},
    "dict": OBJECT,
    "raw": {},
}


@cache
def chartmogul() -> Description:
    """Read the fields from those that the client knows, the parameters from the documentation."""
    stored = json.loads((SPECS / "chartmogul/fields.json").read_text())["resources"]
    paths = {
        f"/v1{stored[name]['path'].partition('{')[0]}": _chartmogul_list(stored[name], names)
        for name, names in CHARTMOGUL_PARAMETERS.items()
    }
    account, sources = _fields(stored["Account"]["fields"]), _fields(stored["DataSource"]["fields"])
    listed = _object(data_sources={"type": "array", "items": sources})
    metrics = _object(entries={"type": "array", "items": _fields(stored["Metrics"]["fields"])}, summary=OBJECT)
    asked = [_query(name, TEXT, required=name in RANGE[:2]) for name in RANGE]
    paths["/v1/account"] = _reading("Basic", [], account)
    paths["/v1/data_sources"] = _reading("Basic", [_query(name, TEXT) for name in ("name", "system")], listed)
    paths |= {f"/v1/metrics/{name}": _reading("Basic", asked, metrics) for name in ("all", "mrr")}
    return Description("chartmogul", {"paths": paths})


def _chartmogul_list(resource: Schema, names: tuple[str, ...]) -> Schema:
    size = _query("per_page", {"type": "integer", "minimum": 1, "maximum": 200})
    rows = {"type": "array", "items": _fields(resource["fields"])}
    answer = _object(**{resource["root_key"]: rows}, has_more=TRUTH, cursor={"type": "string", "nullable": True})
    return _reading("Basic", [size, *(_query(name, TEXT) for name in ("cursor", *names))], answer)


def _fields(fields: dict[str, Any]) -> Schema:
    """An object whose fields may be left out, but are no others; where the client refuses null, null is wrong."""
    properties = {
        name: {
            **(_fields(field["fields"]) if "fields" in field else KINDS.get(field["type"], {})),
            "nullable": field.get("nullable", False),
        }
        for name, field in fields.items()
    }
    return {"type": "object", "properties": properties}


# --- both ------------------------------------------------------------------------------------------------------------


def _reading(scheme: str, parameters: list[Schema], answer: Schema) -> Schema:
    key = {"in": "header", "name": "authorization", "required": True, "schema": {"pattern": rf"^{scheme} \S+$"}}
    responses = {"200": {"content": {JSON: {"schema": answer}}}}
    return {"get": {"parameters": [key, *parameters], "responses": responses}}


def _query(name: str, schema: Schema, *, required: bool = False) -> Schema:
    return {"in": "query", "name": name, "required": required, "schema": schema}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "required": list(properties), "properties": properties}
