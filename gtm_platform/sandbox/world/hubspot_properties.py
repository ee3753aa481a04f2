"""HubSpot's own property definitions, as far as the records of this world use them, in wire shape."""

from datetime import datetime, timedelta
from typing import Any

from gtm_platform.sandbox.hubspot.store import HubSpotStore
from gtm_platform.sandbox.world.fixtures import OPEN_STAGES, wire_time

LIFECYCLE = (
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
)
LEAD_SOURCES = ("trade_fair", "word_of_mouth", "inbound")  # which people of ours enter by hand
_LEAD_STATUS = (
    "NEW",
    "OPEN",
    "IN_PROGRESS",
    "OPEN_DEAL",
    "UNQUALIFIED",
    "ATTEMPTED_TO_CONTACT",
    "CONNECTED",
    "BAD_TIMING",
)
_STAGES = (*OPEN_STAGES, "closedwon", "closedlost")
_SOURCES = (
    "ORGANIC_SEARCH",
    "PAID_SEARCH",
    "EMAIL_MARKETING",
    "REFERRALS",
    "DIRECT_TRAFFIC",
    "OFFLINE",
    "SOCIAL_MEDIA",
)

_OPTIONS = {
    "lifecyclestage": LIFECYCLE,
    "hs_lead_status": _LEAD_STATUS,
    "hs_analytics_source": _SOURCES,
    "dealstage": _STAGES,
    "pipeline": ("default",),
    "dealtype": ("newbusiness", "existingbusiness"),
    "type": ("PROSPECT", "PARTNER", "RESELLER", "VENDOR", "OTHER"),
    "lead_source": LEAD_SOURCES,
    "hs_email_optout": ("true", "false"),
    "hs_email_hard_bounce_reason_enum": ("UNKNOWN_USER", "MAILBOX_FULL", "POLICY", "SPAM", "CONTENT", "OTHER"),
    "hs_is_closed": ("true", "false"),
    "hs_is_closed_won": ("true", "false"),
    "hs_call_direction": ("INBOUND", "OUTBOUND"),
    "hs_call_status": ("COMPLETED", "NO_ANSWER", "BUSY", "CANCELED"),
    "hs_meeting_outcome": ("SCHEDULED", "COMPLETED", "RESCHEDULED", "NO_SHOW", "CANCELED"),
    "hs_email_direction": ("EMAIL", "INCOMING_EMAIL", "FORWARDED_EMAIL"),
    "hs_email_status": ("BOUNCED", "FAILED", "SCHEDULED", "SENDING", "SENT"),
    "hs_task_status": ("NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "DEFERRED"),
    "hs_task_priority": ("LOW", "MEDIUM", "HIGH"),
    "hs_task_type": ("EMAIL", "CALL", "TODO"),
}

# type name -> group, its label, then property names by kind
_STRING = {
    "contacts": "firstname lastname email hs_additional_emails jobtitle company phone city country "
    "hs_merged_object_ids hs_linkedin_url",
    "companies": "name domain hs_additional_domains website industry country state city linkedin_company_page "
    "hs_merged_object_ids description phone",
    "deals": "dealname deal_currency_code closed_lost_reason closed_won_reason hs_merged_object_ids",
    "notes": "hs_note_body hs_attachment_ids",
    "calls": "hs_call_title hs_call_body hs_call_disposition hs_call_from_number hs_call_to_number",
    "meetings": "hs_meeting_title hs_meeting_body hs_internal_meeting_notes hs_meeting_location "
    "hs_meeting_external_url",
    "emails": "hs_email_subject hs_email_text hs_email_html hs_email_headers hs_email_from_email hs_email_to_email",
    "tasks": "hs_task_subject hs_task_body",
}
_NUMBER = {
    "contacts": "associatedcompanyid",
    "companies": "numberofemployees annualrevenue hs_parent_company_id num_associated_contacts num_associated_deals",
    "deals": "amount amount_in_home_currency hs_deal_stage_probability hs_mrr hs_arr",
    "calls": "hs_call_duration",
}
_DATETIME = {
    "companies": "notes_last_contacted",
    "deals": "closedate " + " ".join(f"hs_v2_date_entered_{stage}" for stage in _STAGES),
    "meetings": "hs_meeting_start_time hs_meeting_end_time",
}
_CHOICE = {
    "contacts": "lifecyclestage hs_lead_status hs_analytics_source hs_email_hard_bounce_reason_enum",
    "companies": "lifecyclestage type lead_source",
    "deals": "dealstage pipeline dealtype",
    "calls": "hs_call_direction hs_call_status",
    "meetings": "hs_meeting_outcome",
    "emails": "hs_email_direction hs_email_status",
    "tasks": "hs_task_status hs_task_priority hs_task_type",
}
_FLAG = {"contacts": "hs_email_optout", "deals": "hs_is_closed hs_is_closed_won"}
_GROUPS = {
    "contacts": ("contactinformation", "Contact information"),
    "companies": ("companyinformation", "Company information"),
    "deals": ("dealinformation", "Deal information"),
    "notes": ("engagement", "Engagement"),
    "calls": ("engagement", "Engagement"),
    "meetings": ("engagement", "Engagement"),
    "emails": ("engagement", "Engagement"),
    "tasks": ("engagement", "Engagement"),
}
_READ_ONLY = (
    "hs_object_id",
    "createdate",
    "hs_createdate",
    "lastmodifieddate",
    "hs_lastmodifieddate",
    "hs_merged_object_ids",
)
_FIELD_TYPES = {
    "string": "text",
    "number": "number",
    "datetime": "date",
    "enumeration": "select",
    "bool": "booleancheckbox",
}


def define_properties(store: HubSpotStore, start: datetime) -> None:
    """Define each object type's properties, dated long before `start`, and empty its records."""
    stamp = wire_time(start - timedelta(days=1400))
    for type_, (group, title) in _GROUPS.items():
        store.objects[type_] = {}
        store.groups[type_] = {group: {"name": group, "label": title, "displayOrder": 0, "archived": False}}
        store.properties[type_] = {name: _definition(name, kind, group, stamp) for name, kind in _names(type_)}


def _names(type_: str) -> list[tuple[str, str]]:
    engagement = _GROUPS[type_][0] == "engagement"
    dates = ["hs_createdate", "hs_timestamp"] if engagement else ["createdate"]
    changed = "lastmodifieddate" if type_ == "contacts" else "hs_lastmodifieddate"
    kinds = (
        ("string", _STRING),
        ("number", _NUMBER),
        ("datetime", _DATETIME),
        ("enumeration", _CHOICE),
        ("bool", _FLAG),
    )
    return [
        ("hs_object_id", "number"),
        *((name, "datetime") for name in (*dates, changed)),
        ("hubspot_owner_id", "enumeration"),
        *((name, kind) for kind, table in kinds for name in table.get(type_, "").split()),
    ]


def _definition(name: str, kind: str, group: str, stamp: str) -> dict[str, Any]:
    read_only = name in _READ_ONLY
    return {
        "name": name,
        "label": name.removeprefix("hs_").replace("_", " ").capitalize(),
        "description": "",
        "groupName": group,
        "type": kind,
        "fieldType": _FIELD_TYPES[kind],
        "formField": False,
        "options": [
            {"label": value.title(), "value": value, "displayOrder": order, "hidden": False, "description": ""}
            for order, value in enumerate(_OPTIONS.get(name, ()))
        ],
        "createdAt": stamp,
        "updatedAt": stamp,
        "archived": False,
        "calculated": False,
        "externalOptions": name == "hubspot_owner_id",
        "hasUniqueValue": False,
        "hidden": False,
        "hubspotDefined": True,
        "displayOrder": -1,
        "modificationMetadata": {
            "archivable": False,
            "readOnlyDefinition": True,
            "readOnlyValue": read_only,
            "readOnlyOptions": False,
        },
    }
