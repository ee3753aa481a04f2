"""The property definitions and groups every HubSpot account has from the start. What the store defines itself wins."""

from typing import Any

from gtm_platform.sandbox.hubspot.kinds import KINDS, Kind
from gtm_platform.sandbox.hubspot.store import HubSpotStore

Definition = dict[str, Any]

_FIELD_TYPES = {
    "string": "text",
    "number": "number",
    "enumeration": "select",
    "bool": "booleancheckbox",
    "date": "date",
    "datetime": "date",
}

_NAMES = {
    "contacts": {
        "string": "email hs_additional_emails firstname lastname jobtitle company phone mobilephone website address "
        "city state country zip hs_linkedin_url hs_merged_object_ids hs_full_name_or_email message",
        "number": "associatedcompanyid num_associated_deals",
        "enumeration": "lifecyclestage hs_lead_status hubspot_owner_id hs_analytics_source "
        "hs_email_hard_bounce_reason_enum",
        "bool": "hs_email_optout",
        "datetime": "notes_last_contacted notes_last_updated hs_latest_source_timestamp",
    },
    "companies": {
        "string": "name domain hs_additional_domains website phone description address city state country zip "
        "linkedin_company_page linkedinbio hs_merged_object_ids",
        "number": "numberofemployees annualrevenue hs_parent_company_id num_associated_contacts num_associated_deals",
        "enumeration": "industry lifecyclestage hs_lead_status type hubspot_owner_id",
        "datetime": "notes_last_contacted notes_last_updated",
    },
    "deals": {
        "string": "dealname description closed_lost_reason closed_won_reason hs_merged_object_ids",
        "number": "amount amount_in_home_currency hs_deal_stage_probability hs_mrr hs_arr hs_acv hs_tcv "
        "num_associated_contacts",
        "enumeration": "dealstage pipeline deal_currency_code dealtype hubspot_owner_id hs_priority",
        "bool": "hs_is_closed hs_is_closed_won",
        "datetime": "closedate notes_last_contacted notes_last_updated",
    },
    "notes": {"string": "hs_note_body"},
    "calls": {
        "string": "hs_call_title hs_call_body hs_call_disposition hs_call_from_number hs_call_to_number",
        "number": "hs_call_duration",
        "enumeration": "hs_call_direction hs_call_status",
    },
    "meetings": {
        "string": "hs_meeting_title hs_meeting_body hs_internal_meeting_notes hs_meeting_location "
        "hs_meeting_external_url",
        "enumeration": "hs_meeting_outcome",
        "datetime": "hs_meeting_start_time hs_meeting_end_time",
    },
    "emails": {
        "string": "hs_email_subject hs_email_text hs_email_html hs_email_headers hs_email_from_email hs_email_to_email",
        "enumeration": "hs_email_direction hs_email_status",
    },
    "tasks": {
        "string": "hs_task_subject hs_task_body",
        "enumeration": "hs_task_status hs_task_priority hs_task_type",
    },
    "communications": {
        "string": "hs_communication_body hs_communication_logged_from",
        "enumeration": "hs_communication_channel_type",
    },
    "tickets": {
        "string": "subject content hs_pipeline hs_pipeline_stage hs_merged_object_ids",
        "enumeration": "hs_ticket_priority hs_ticket_category hubspot_owner_id",
        "datetime": "closed_date",
    },
    "line_items": {
        "string": "name description hs_sku hs_line_item_currency_code",
        "number": "quantity price amount hs_product_id",
        "enumeration": "recurringbillingfrequency",
    },
    "products": {"string": "name description hs_sku hs_url", "number": "price hs_cost_of_goods_sold"},
    "quotes": {"string": "hs_title hs_quote_number", "number": "hs_quote_amount", "enumeration": "hs_status"},
}

_ENGAGEMENT = {"enumeration": "hubspot_owner_id", "string": "hs_attachment_ids", "datetime": "hs_timestamp"}

_OPTIONS = {
    "lifecyclestage": "subscriber lead marketingqualifiedlead salesqualifiedlead opportunity customer evangelist other",
    "hs_lead_status": "NEW OPEN IN_PROGRESS OPEN_DEAL UNQUALIFIED ATTEMPTED_TO_CONTACT CONNECTED BAD_TIMING",
    "dealtype": "newbusiness existingbusiness",
    "hs_priority": "low medium high",
    "hs_email_hard_bounce_reason_enum": "UNKNOWN_USER MAILBOX_FULL POLICY SPAM CONTENT OTHER",
    "hs_call_direction": "INBOUND OUTBOUND",
    "hs_meeting_outcome": "SCHEDULED COMPLETED RESCHEDULED NO_SHOW CANCELED",
    "hs_email_direction": "EMAIL INCOMING_EMAIL FORWARDED_EMAIL",
    "hs_email_status": "BOUNCED FAILED SCHEDULED SENDING SENT",
    "hs_task_status": "NOT_STARTED IN_PROGRESS WAITING COMPLETED DEFERRED",
    "hs_task_priority": "NONE LOW MEDIUM HIGH",
    "hs_task_type": "EMAIL CALL TODO",
    "hs_communication_channel_type": "WHATS_APP LINKEDIN_MESSAGE SMS",
    "hs_ticket_priority": "LOW MEDIUM HIGH",
    "hs_ticket_category": "PRODUCT_ISSUE BILLING_ISSUE FEATURE_REQUEST GENERAL_INQUIRY",
    "recurringbillingfrequency": "monthly quarterly annually",
    "hs_status": "DRAFT PENDING_APPROVAL APPROVED REJECTED",
}

_READ_ONLY = (
    "hs_object_id createdate lastmodifieddate hs_createdate hs_lastmodifieddate hs_merged_object_ids "
    "associatedcompanyid num_associated_contacts num_associated_deals amount_in_home_currency hs_is_closed "
    "hs_is_closed_won hs_full_name_or_email hs_latest_source_timestamp notes_last_contacted notes_last_updated"
)


def definitions(store: HubSpotStore, kind: Kind) -> dict[str, Definition]:
    """The definitions of a type by name, the standard ones among them."""
    by_name = store.properties.setdefault(kind.name, {})
    for name, definition in _STANDARD[kind.name].items():
        if name not in by_name:
            by_name[name] = {**definition, "options": [dict(option) for option in definition["options"]]}
    return by_name


def groups(store: HubSpotStore, kind: Kind) -> dict[str, dict[str, Any]]:
    """The property groups of a type by name, the standard one among them."""
    by_name = store.groups.setdefault(kind.name, {})
    name = _group_name(kind)
    label = f"{kind.singular.capitalize()} information"
    by_name.setdefault(name, {"name": name, "label": label, "displayOrder": 0, "archived": False})
    return by_name


def _group_name(kind: Kind) -> str:
    return f"{kind.singular}information"


def modification(*, read_only: bool, archivable: bool) -> dict[str, bool]:
    """What a client may change about a definition."""
    return {
        "archivable": archivable,
        "readOnlyDefinition": read_only,
        "readOnlyOptions": read_only,
        "readOnlyValue": read_only,
    }


def _definition(kind: Kind, name: str, value_type: str) -> Definition:
    values = ["true", "false"] if value_type == "bool" else _OPTIONS.get(name, "").split()
    return {
        "name": name,
        "label": name.removeprefix("hs_").replace("_", " ").capitalize(),
        "description": "",
        "groupName": _group_name(kind),
        "type": value_type,
        "fieldType": _FIELD_TYPES[value_type],
        "options": [_option(value, order) for order, value in enumerate(values)],
        "displayOrder": -1,
        "archived": False,
        "calculated": False,
        "externalOptions": value_type == "enumeration" and not values,
        "formField": name not in _READ_ONLY.split(),
        "hasUniqueValue": name == "hs_object_id",
        "hidden": False,
        "hubspotDefined": True,
        "modificationMetadata": modification(read_only=name in _READ_ONLY.split(), archivable=False),
    }


def _option(value: str, order: int) -> dict[str, Any]:
    label = value.replace("_", " ").capitalize()
    return {"label": label, "value": value, "description": "", "displayOrder": order, "hidden": False}


def _standard(kind: Kind) -> dict[str, Definition]:
    names = {name: value_type for value_type, several in _NAMES[kind.name].items() for name in several.split()}
    if kind.is_engagement:
        names |= {several: value_type for value_type, several in _ENGAGEMENT.items()}
    names |= {"hs_object_id": "number", kind.created: "datetime", kind.modified: "datetime"}
    return {name: _definition(kind, name, value_type) for name, value_type in names.items()}


_STANDARD = {kind.name: _standard(kind) for kind in KINDS.values()}
