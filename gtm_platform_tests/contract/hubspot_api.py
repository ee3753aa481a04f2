"""HubSpot's API as its official client knows it, brought into the form of OpenAPI."""

import json
import re
from functools import cache
from typing import Any

from gtm_platform_tests.contract.description import JSON, Description
from gtm_platform_tests.contract.places import SPECS

# What has no part of its own is described by the part for objects of any kind.
PARTS = (
    "contacts", "companies", "deals", "notes", "calls", "meetings", "emails", "tasks", "objects",
    "associations_v4", "associations_v4_schema", "owners", "pipelines", "properties", "webhooks",
)  # fmt: skip
DATED = r"^/crm/objects/20\d\d-\d\d/"  # the newer style of the same paths
TOKEN = {"in": "header", "name": "authorization", "required": True, "schema": {"pattern": r"^Bearer \S+$"}}


@cache
def hubspot() -> Description:
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for part in PARTS:
        description = json.loads((SPECS / f"hubspot/{part}.json").read_text())
        named = json.dumps(description["schemas"]).replace('"#/schemas/', f'"#/components/schemas/{part}.')
        schemas |= {f"{part}.{name}": schema for name, schema in json.loads(named).items()}
        for operation in description["operations"]:
            paths.setdefault(operation["path"], {})[operation["method"].lower()] = _operation(part, operation)
    document = {"paths": paths, "components": {"schemas": schemas}}
    return Description("hubspot", document, same=(DATED, "/crm/v3/objects/"))


def _operation(part: str, description: dict[str, Any]) -> dict[str, Any]:
    query = [
        _parameter(name, description["repeated_query_parameters"]) for name in description["query_parameters"].values()
    ]
    path = [{"in": "path", "name": name, "required": True} for name in re.findall(r"{(\w+)}", description["path"])]
    answers = {status: _content(part, name) for status, name in description["responses"].items()}
    operation = {"parameters": [TOKEN, *path, *query], "responses": {**answers, "4XX": _content(part, "Error")}}
    if description["body_schema"]:
        operation["requestBody"] = {"required": True, **_content(part, description["body_schema"])}
    return operation


def _parameter(name: str, repeatable: list[str]) -> dict[str, Any]:
    kinds = {"limit": {"type": "integer"}, "archived": {"type": "boolean"}}
    schema = (
        {"type": "array", "items": {"type": "string"}} if name in repeatable else kinds.get(name, {"type": "string"})
    )
    return {"in": "query", "name": name, "schema": schema}


def _content(part: str, name: str | None) -> dict[str, Any]:
    if name is None:
        return {}
    of = re.fullmatch(r"list\[(\w+)\]", name)
    reference = {"$ref": f"#/components/schemas/{part}.{of[1] if of else name}"}
    return {"content": {JSON: {"schema": {"type": "array", "items": reference} if of else reference}}}
