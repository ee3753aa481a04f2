"""Fivetran's tables: objects flattened, lists in tables of their own, times as timestamps, histories of Intercom."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

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
    intercom_linked,
    intercom_list,
    intercom_tickets,
    stripe_list,
)
from gtm_platform.sandbox.landers.tables import LandedTable, Marks, Row, as_json, at_second

MARKS = Marks("_fivetran_synced", {})
DELETED = "_fivetran_deleted"
ENGAGEMENTS = ("note", "call", "meeting", "email", "task")
DEAL_COLUMNS = {
    "dealstage": "deal_pipeline_stage_id",
    "pipeline": "deal_pipeline_id",
    "hubspot_owner_id": "owner_id",
}

# --- HubSpot ---------------------------------------------------------------------------------------------------------


def _typed(kind: str) -> Callable[[str], Any]:
    if kind in ("datetime", "date"):
        return lambda value: datetime.fromisoformat(value).replace(tzinfo=UTC)
    if kind == "bool":
        return lambda value: value == "true"
    return (lambda value: int(value) if value.lstrip("-").isdigit() else float(value)) if kind == "number" else str


def _properties(record: Record, types: Mapping[str, str], moved: Mapping[str, str]) -> Row:
    """Each property in a column, typed; some in columns of other names."""
    values = {name: value for name, value in record["properties"].items() if value not in (None, "")}
    typed = dict.fromkeys(types) | {name: _typed(types.get(name, "string"))(value) for name, value in values.items()}
    return {moved.get(name, f"property_{name.lower()}"): value for name, value in typed.items()}


def hubspot(api: SystemApi) -> list[LandedTable]:
    """Lay out HubSpot."""
    portal = {"portal_id": api.get("/account-info/v3/details")["portalId"]}
    tables, ids = [], {}
    plurals = {"contact": "contacts", "company": "companies", "deal": "deals"}
    plurals |= {f"engagement_{kind}": f"{kind}s" for kind in ENGAGEMENTS}
    for table, kind in plurals.items():
        types = hubspot_properties(api, kind)
        records = list(hubspot_objects(api, kind, list(types)))
        key = "deal_id" if table == "deal" else "engagement_id" if table.startswith("engagement") else "id"
        moved = DEAL_COLUMNS if table == "deal" else {}
        rows = [{key: int(each["id"]), **portal, **_properties(each, types, moved)} for each in records]
        tables.append(LandedTable(table, rows, (key,), DELETED))
        ids[kind] = [each["id"] for each in records]
    for target, column in (("companies", "company_id"), ("contacts", "contact_id")):
        links = hubspot_links(api, "deals", target, ids["deals"])
        rows = [
            {"deal_id": int(deal), column: int(to["toObjectId"])}
            | {"type_id": kind["typeId"], "category": kind["category"]}
            for deal, linked in links.items()
            for to in linked
            for kind in to["associationTypes"]
        ]
        tables.append(LandedTable(f"deal_{column.removesuffix('_id')}", rows, ("deal_id", column, "type_id")))
    tables += _hubspot_engagement_links(api, ids)
    return [*tables, *_hubspot_settings(api, portal)]


def _hubspot_engagement_links(api: SystemApi, ids: Mapping[str, Sequence[str]]) -> Iterator[LandedTable]:
    """Lay out with whom engagements were: a table for each kind of records, with engagements of all types."""
    columns = {"contacts": "contact_id", "companies": "company_id", "deals": "deal_id"}
    for target, column in columns.items():
        rows = [
            {"engagement_id": int(engagement), column: int(to["toObjectId"]), "category": "HUBSPOT_DEFINED"}
            for kind in ENGAGEMENTS
            for engagement, linked in hubspot_links(api, f"{kind}s", target, ids[f"{kind}s"]).items()
            for to in linked
        ]
        yield LandedTable(f"engagement_{column.removesuffix('_id')}", rows, ("engagement_id", column))


def _hubspot_settings(api: SystemApi, portal: Row) -> list[LandedTable]:
    owners = [
        {"owner_id": int(each["id"]), "email": each["email"], **portal}
        | {"first_name": each["firstName"], "last_name": each["lastName"]}
        | {"active_user_id": None if each["archived"] else each["userId"]}
        | {"user_id_including_inactive": each["userIdIncludingInactive"]}
        for each in hubspot_owners(api)
    ]
    pipelines = api.get("/crm/v3/pipelines/deals")["results"]
    stages = [
        {"stage_id": stage["id"], "pipeline_id": pipeline["id"], "label": stage["label"]}
        | {"display_order": stage["displayOrder"], "probability": float(stage["metadata"]["probability"])}
        | {"is_closed": stage["metadata"]["isClosed"] == "true"}
        | {"closed_won": float(stage["metadata"]["probability"]) == 1.0}
        for pipeline in pipelines
        for stage in pipeline["stages"]
    ]
    labels = [{"pipeline_id": each["id"], "label": each["label"]} for each in pipelines]
    return [
        LandedTable("owner", owners, ("owner_id",)),
        LandedTable("deal_pipeline", labels, ("pipeline_id",), DELETED),
        LandedTable("deal_pipeline_stage", stages, ("pipeline_id", "stage_id"), DELETED),
    ]


# --- flattening ------------------------------------------------------------------------------------------------------

TIMES = frozenset(
    (
        *("created", "start", "end", "start_date", "ended_at", "canceled_at", "cancel_at", "trial_start", "trial_end"),
        *("current_period_start", "current_period_end", "period_start", "period_end", "due_date", "paid_at"),
        *("next_payment_attempt", "finalized_at", "voided_at", "marked_uncollectible_at", "created_at", "updated_at"),
        *("signed_up_at", "last_seen_at", "last_replied_at", "last_contacted_at", "last_request_at", "waiting_since"),
        *("snoozed_until", "first_admin_reply_at", "last_close_at", "stripe_subscription_period_start_at"),
    )
)


def flat(record: Record, renamed: Mapping[str, str] | None = None, prefix: str = "") -> Row:
    """Objects by their members, metadata as a text, without lists, which have tables of their own."""
    row: Row = {}
    for name, value in record.items():
        column = (renamed or {}).get(name, f"{prefix}{name}")
        if name == "metadata":
            row[column] = as_json(value)
        elif isinstance(value, dict):
            row |= flat(value, prefix=f"{prefix}{name}_")
        elif not isinstance(value, list):
            row[column] = at_second(value) if name in TIMES and isinstance(value, int) else value
    return row


# --- Stripe ----------------------------------------------------------------------------------------------------------


def stripe(api: SystemApi) -> list[LandedTable]:
    """Lay out Stripe."""
    customers = stripe_list(api, "/v1/customers")
    subscriptions = stripe_list(api, "/v1/subscriptions", "discounts", "items.data.discounts", status="all")
    invoices, prices = stripe_list(api, "/v1/invoices"), stripe_list(api, "/v1/prices", "tiers")
    items = [
        item
        for each in subscriptions
        for item in all_of(api, each["items"], "/v1/subscription_items", "discounts", subscription=each["id"])
    ]
    discounts = [("customer", each["id"], each["discount"]) for each in customers if each["discount"]]
    discounts += [("subscription", each["id"], cut) for each in subscriptions for cut in each["discounts"]]
    discounts += [("subscription_item", each["id"], cut) for each in items for cut in each["discounts"]]
    lines = [
        (each, line) for each in invoices for line in all_of(api, each["lines"], f"/v1/invoices/{each['id']}/lines")
    ]
    return [
        LandedTable("account", [flat(api.get("/v1/account"))]),
        LandedTable("customer", [flat({**each, "discount": None}) for each in customers], deleted="is_deleted"),
        LandedTable("subscription_history", list(map(_subscription, subscriptions)), history=True),
        LandedTable("subscription_item", [_item(each) for each in items]),
        LandedTable("discount", [_discount(*each) for each in discounts]),
        LandedTable("price", [flat(each, {"product": "product_id"}) for each in prices], deleted="is_deleted"),
        LandedTable("tier", _tiers(prices), ("price_id", "index")),
        LandedTable("product", list(map(flat, stripe_list(api, "/v1/products"))), deleted="is_deleted"),
        LandedTable("coupon", list(map(flat, stripe_list(api, "/v1/coupons"))), deleted="is_deleted"),
        LandedTable("invoice", list(map(_invoice, invoices)), deleted="is_deleted"),
        LandedTable("invoice_line_item", [_line(*each) for each in lines], ("invoice_id", "unique_id")),
        LandedTable("charge", _renamed(api, "/v1/charges", "customer", "payment_intent")),
        LandedTable("refund", _renamed(api, "/v1/refunds", "charge")),
        LandedTable("dispute", _renamed(api, "/v1/disputes", "charge")),
    ]


def _renamed(api: SystemApi, path: str, *references: str) -> list[Row]:
    """The rows of a list, whose references to other records are columns with `_id`."""
    return [flat(each, {name: f"{name}_id" for name in references}) for each in stripe_list(api, path)]


def _subscription(record: Record) -> Row:
    """Its currency is that of its prices."""
    row = flat({**record, "items": None}, {"customer": "customer_id", "latest_invoice": "latest_invoice_id"})
    return {name: value for name, value in row.items() if name not in ("currency", "items")}


def _item(record: Record) -> Row:
    return {**flat({**record, "price": None, "plan": None}, {"subscription": "subscription_id"})} | {
        "plan_id": record["price"]["id"]
    }


def _discount(kind: str, owner: str, record: Record) -> Row:
    row = flat(record, {"customer": "customer_id", "subscription": "subscription_id"})
    return {**row, "type": kind, "type_id": owner, "coupon_id": record["source"]["coupon"]}


def _tiers(prices: Sequence[Record]) -> list[Row]:
    return [
        {"price_id": price["id"], "index": index, **flat(tier)}
        for price in prices
        for index, tier in enumerate(price.get("tiers") or ())
    ]


def _invoice(record: Record) -> Row:
    parent = (record["parent"] or {}).get("subscription_details") or {}
    row = flat({**record, "lines": None, "parent": None}, {"customer": "customer_id"})
    return {**row, "subscription_id": parent.get("subscription")}


def _line(invoice: Record, record: Record) -> Row:
    row = flat({**record, "pricing": None, "parent": None}, {"id": "unique_id"})
    return {**row, "invoice_id": invoice["id"], "price_id": record["pricing"]["price_details"]["price"]}


# --- Intercom --------------------------------------------------------------------------------------------------------


def intercom(api: SystemApi) -> list[LandedTable]:
    """Lay out Intercom: all but teammates and tags as histories."""
    contacts, conversations = intercom_list(api, "/contacts"), intercom_conversations(api)
    tickets = intercom_tickets(api)
    parts = [
        {**flat(part, prefix=""), "conversation_id": each["id"]}
        | {"conversation_updated_at": at_second(each["updated_at"])}
        for each in conversations
        for part in each["conversation_parts"]["conversation_parts"]
    ]
    return [
        _history("contact", [_contact(each) for each in contacts]),
        _history("company", list(map(flat, intercom_companies(api)))),
        _history("conversation", [_conversation(each) for each in conversations]),
        _history("conversation_part", parts),
        _links("contact_company", "company_id", {each["id"]: _ids(api, each, "companies") for each in contacts}),
        _links("contact_tag", "tag_id", {each["id"]: _ids(api, each, "tags") for each in contacts}),
        _links(
            "conversation_contact",
            "contact_id",
            {each["id"]: [to["id"] for to in each["contacts"]["contacts"]] for each in conversations},
        ),
        _links(
            "conversation_tag",
            "tag_id",
            {each["id"]: [to["id"] for to in each["tags"]["tags"]] for each in conversations},
        ),
        _history("ticket", list(map(_ticket, tickets))),
        LandedTable(
            "ticket_contact_history",
            [
                {"id": to["id"], "ticket_id": each["id"], "external_id": to["external_id"], "type": to["type"]}
                for each in tickets
                for to in each["contacts"]["contacts"]
            ],
            ("id", "ticket_id"),
            history=True,
        ),
        LandedTable("ticket_state", _states(tickets), deleted=DELETED),
        LandedTable("admin", list(map(flat, intercom_list(api, "/admins", "admins"))), deleted=DELETED),
        LandedTable("tag", list(map(flat, intercom_list(api, "/tags"))), deleted=DELETED),
    ]


def _history(name: str, rows: Sequence[Row]) -> LandedTable:
    return LandedTable(f"{name}_history", rows, history=True)


def _links(name: str, column: str, linked: Mapping[str, Sequence[str]]) -> LandedTable:
    owner = f"{name.split('_')[0]}_id"
    rows = [{owner: key, column: to} for key, targets in linked.items() for to in targets]
    return LandedTable(f"{name}_history", rows, (owner, column), history=True)


def _ids(api: SystemApi, contact: Record, of: str) -> list[str]:
    return [each["id"] for each in intercom_linked(api, contact, of)]


def _contact(record: Record) -> Row:
    rest = {name: value for name, value in record.items() if name not in ("custom_attributes", "companies", "tags")}
    return {**flat(rest), **flat(record["custom_attributes"], prefix="custom_")}


def _conversation(record: Record) -> Row:
    rating = record["conversation_rating"] or {}
    lists = ("conversation_rating", "conversation_parts", "contacts", "tags", "teammates", "custom_attributes")
    row = flat({name: value for name, value in record.items() if name not in lists})
    row |= {f"conversation_rating_{name}": rating.get(name) for name in ("remark",)}
    row |= {f"conversation_rating_{name}": at_second(rating.get(name)) for name in ("created_at", "updated_at")}
    return {**row, "conversation_rating_value": rating.get("rating")}


def _ticket(record: Record) -> Row:
    """A ticket without its attributes, which have no columns."""
    lists = ("ticket_attributes", "ticket_state", "ticket_type", "contacts", "linked_objects", "ticket_parts")
    row = flat({name: value for name, value in record.items() if name not in lists})
    state, kind = record["ticket_state"], record["ticket_type"]
    labels = {f"ticket_state_{name}": state[name] for name in ("external_label", "internal_label")}
    return {**row, "ticket_state_id": state["id"], "ticket_type_id": kind["id"], **labels}


def _states(tickets: Sequence[Record]) -> list[Row]:
    states = {each["ticket_state"]["id"]: flat(each["ticket_state"]) for each in tickets}
    return list(states.values())


LAYOUTS = {"hubspot": hubspot, "stripe": stripe, "intercom": intercom}
