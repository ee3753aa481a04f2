"""Airbyte's tables: the API's records as they are, a column for each member, objects and lists as JSON."""

import uuid
from collections.abc import Iterable

from gtm_platform.sandbox.landers.answers import (
    Record,
    SystemApi,
    all_of,
    hubspot_links,
    hubspot_objects,
    hubspot_owners,
    hubspot_properties,
    intercom_companies,
    intercom_conversations,
    intercom_list,
    stripe_list,
)
from gtm_platform.sandbox.landers.tables import LandedTable, Marks, Row, as_json

META = {"_airbyte_meta": '{"changes":[],"sync_id":1}', "_airbyte_generation_id": 0}
MARKS = Marks("_airbyte_extracted_at", META, updated="updated")
ENGAGEMENTS = ("calls", "emails", "meetings", "notes", "tasks")
OBJECTS = {"contacts": ("companies",), "companies": ("contacts",), "deals": ("companies", "contacts")}
LINKED = {**OBJECTS, **dict.fromkeys(ENGAGEMENTS, ("contacts", "companies", "deals"))}


def columns(record: Record) -> Row:
    """A column for each member."""
    return {name: as_json(value) if isinstance(value, dict | list) else value for name, value in record.items()}


def _table(name: str, records: Iterable[Record]) -> LandedTable:
    rows = [columns(record) for record in records]
    key = "pipelineId" if name == "deal_pipelines" else "id"
    return LandedTable(name, [{"_airbyte_raw_id": _raw_id(name, str(row[key])), **row} for row in rows], (key,))


def _raw_id(table: str, key: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{table}/{key}"))


# --- HubSpot ---------------------------------------------------------------------------------------------------------


def hubspot(api: SystemApi) -> list[LandedTable]:
    """Lay out HubSpot: each property in the object of all properties, and in a column of its own."""
    tables = []
    for kind, targets in LINKED.items():
        records = list(hubspot_objects(api, kind, list(hubspot_properties(api, kind))))
        ids = [each["id"] for each in records]
        links = {target: hubspot_links(api, kind, target, ids) for target in targets}
        rows: list[Record] = [
            {name: each[name] for name in ("id", "createdAt", "updatedAt", "archived", "properties")}
            | {f"properties_{name}": value for name, value in each["properties"].items()}
            | {target: [str(to["toObjectId"]) for to in linked.get(each["id"], ())] for target, linked in links.items()}
            for each in records
        ]
        tables.append(_table(kind if kind in OBJECTS else f"engagements_{kind}", rows))
    owners = hubspot_owners(api)
    pipelines = map(_legacy_pipeline, api.get("/crm/v3/pipelines/deals")["results"])
    return [
        *tables,
        _table("owners", [each for each in owners if not each["archived"]]),
        _table("owners_archived", [each for each in owners if each["archived"]]),
        _table("deal_pipelines", pipelines),
    ]


def _legacy_pipeline(record: Record) -> Record:
    """As the older API of pipelines has it, which Airbyte reads."""
    names = ("label", "displayOrder", "metadata")
    stages = [{"stageId": each["id"], **{name: each[name] for name in names}} for each in record["stages"]]
    return {"pipelineId": record["id"], "label": record["label"], "active": True, "stages": stages}


# --- Stripe ----------------------------------------------------------------------------------------------------------


def stripe(api: SystemApi) -> list[LandedTable]:
    """Lay out Stripe, as the version that Airbyte speaks has it."""
    subscriptions = stripe_list(api, "/v1/subscriptions", status="all")
    for each in subscriptions:
        each["items"]["data"] = all_of(api, each["items"], "/v1/subscription_items", subscription=each["id"])
        each["items"]["has_more"] = False
    invoices = stripe_list(api, "/v1/invoices")
    lines = [
        {**line, "invoice_id": each["id"]}
        for each in invoices
        for line in all_of(api, each["lines"], f"/v1/invoices/{each['id']}/lines")
    ]
    lists = {
        "customers": stripe_list(api, "/v1/customers"),
        "subscriptions": subscriptions,
        "prices": stripe_list(api, "/v1/prices"),
        "plans": stripe_list(api, "/v1/plans", "tiers"),
        "invoices": invoices,
        **{name: stripe_list(api, f"/v1/{name}") for name in ("products", "coupons", "charges", "refunds", "disputes")},
    }
    tables = [_table(name, [{"is_deleted": False, **each} for each in rows]) for name, rows in lists.items()]
    return [*tables, _table("invoice_line_items", lines)]


# --- Intercom --------------------------------------------------------------------------------------------------------


def intercom(api: SystemApi) -> list[LandedTable]:
    """Lay out Intercom; parts of conversations know when their conversation changed."""
    conversations = intercom_conversations(api)
    parts = [
        {**part, "conversation_id": each["id"], "conversation_updated_at": each["updated_at"]}
        for each in conversations
        for part in each["conversation_parts"]["conversation_parts"]
    ]
    bare = [{name: value for name, value in each.items() if name != "conversation_parts"} for each in conversations]
    return [
        _table("contacts", intercom_list(api, "/contacts")),
        _table("companies", intercom_companies(api)),
        _table("conversations", bare),
        _table("conversation_parts", parts),
        _table("admins", intercom_list(api, "/admins", "admins")),
        _table("tags", intercom_list(api, "/tags")),
    ]


LAYOUTS = {"hubspot": hubspot, "stripe": stripe, "intercom": intercom}
