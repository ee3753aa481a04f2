"""Which columns the files about partners have, and what is derived from them."""

from collections.abc import Mapping
from typing import Any

from gtm_platform.ingest.files.cells import host_of
from gtm_platform.ingest.files.layout import Fields, FileLayout, SourceFile
from gtm_platform.sources.partners_csv.records import ManualEntry, Partner, Referral

DOMAIN = ("partner website", "partner url")


def _partner(fields: Fields, file: SourceFile) -> Mapping[str, Any]:
    key = fields.get("partner_id") or host_of(fields.get("partner_domain"))
    return {"partner_key": key, "in_full_file": file.stem.lower().endswith("_full")}


def _referral(fields: Fields, _file: SourceFile) -> Mapping[str, Any]:
    parts = [host_of(fields.get(each)) or "" for each in ("partner_domain", "customer_domain")]
    parts += [(fields.get(each) or "").lower() for each in ("customer_name", "engagement_type", "started_on")]
    amounts = fields.get("deal_amount") or fields.get("partner_revenue")
    # An amount without a currency is no amount: the row is set aside until it has one.
    currency = {"currency": ""} if amounts and not fields.get("currency") else {}
    return {"referral_key": fields.get("referral_id") or "|".join(parts), **currency}


LAYOUTS = {
    "partners": FileLayout(
        record=Partner,
        key=("partner_key",),
        names=("partners", "partner_programme", "partner_program"),
        headings={
            "partner_id": ("id",),
            "partner_name": ("partner", "company", "company name", "name"),
            "partner_domain": (*DOMAIN, "domain", "website"),
            "partner_type": ("type",),
            "tier": ("level", "partner tier"),
            "status": ("partner status",),
            "specialisations": ("specializations", "skills", "specialities"),
            "certified_people": ("certifications",),
            "regions": ("region", "countries"),
            "partner_manager_email": ("partner manager", "owner"),
            "primary_contact_name": ("contact", "contact name"),
            "primary_contact_email": ("contact email",),
            "joined_on": ("joined", "since", "partner since"),
            "renewal_on": ("renewal",),
            "hubspot_company_id": (),
            "notes": ("note",),
        },
        required=(("partner_name", "partner_domain", "partner_type", "tier", "status"),),
        derive=_partner,
    ),
    "referrals": FileLayout(
        record=Referral,
        key=("referral_key",),
        names=("partner_referrals", "referrals"),
        headings={
            "referral_id": ("id",),
            "partner_domain": DOMAIN,
            "customer_name": ("customer", "account"),
            "customer_domain": ("customer website",),
            "engagement_type": ("engagement", "type"),
            "stage": ("status",),
            "submitted_on": ("submitted", "date"),
            "started_on": ("started",),
            "closed_on": ("closed",),
            "deal_amount": ("amount", "deal value"),
            "partner_revenue": ("revenue",),
            "currency": (),
            "hubspot_deal_id": ("deal id",),
            "use_case": (),
            "competitor_replaced": ("competitor",),
            "notes": ("note",),
        },
        required=(("partner_domain", "customer_name", "engagement_type", "stage", "submitted_on"),),
        derive=_referral,
    ),
    "manual_entries": FileLayout(
        record=ManualEntry,
        key=("entry_id",),
        names=("partner_manual_entries", "manual_entries"),
        headings={
            "entry_id": ("id",),
            "partner_domain": DOMAIN,
            "field": (),
            "value": (),
            "effective_on": ("effective", "date"),
            "entered_by": ("by",),
            "reason": ("why",),
        },
        required=(("entry_id", "partner_domain", "field", "value", "effective_on", "entered_by"),),
    ),
}
