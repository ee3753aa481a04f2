"""Alerts of Factors.ai as its webhook delivers them: properties by number, under the names that people see.

Which properties come, and in which language of the app, is up to whoever set the alert up, so the names are a table.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gtm_platform.http.pages import get_path_or_none
from gtm_platform.ingest.record import RawRecord, unusable, with_facts

DISPLAY_NAMES: Mapping[str, tuple[str, ...]] = {
    "company_name": ("company name", "$6signal_name", "account name"),
    "company_domain": ("company domain", "domain", "$6signal_domain", "hubspot company domain"),
    "page": ("page url", "initial page url", "latest page url"),
    "page_views": ("page count", "total page views"),
    "visits": ("session count", "visits"),
    "seconds": ("session spent time", "time spent"),
    "referral_source": ("referrer", "initial referrer", "channel", "source"),
}
TEST = "test"  # what a trial delivery has in the place of a domain


def alert(raw: bytes, received_at: datetime) -> RawRecord | None:
    """Return a delivery with what it says of the company beside it; None for a trial delivery."""
    facts = facts_of(get_path_or_none(raw, "MessageProperty"))
    if str(facts.get("company_domain", "")).lower() == TEST or str(facts.get("company_name", "")).lower() == TEST:
        return None
    if not facts.get("company_domain") and not facts.get("company_name"):
        return unusable(raw, "The alert names neither a company nor its domain: tick these properties in its settings")
    hour = received_at.astimezone(UTC).isoformat(timespec="hours")
    id_ = hashlib.sha256(raw + hour.encode()).hexdigest()[:32]
    return with_facts(raw, id=id_, received_at=received_at, **facts)


def facts_of(properties: Any) -> dict[str, Any]:
    """Return the values of an alert's properties by our names; the first property of a name counts."""
    if not isinstance(properties, dict):
        return {}
    listed = [each for _, each in sorted(properties.items(), key=_number) if isinstance(each, dict)]
    values: dict[str, Any] = {}
    for each in listed:
        shown = str(each.get("DisplayName", "")).strip().lower()
        for name, display_names in DISPLAY_NAMES.items():
            if shown in display_names and each.get("PropValue") not in (None, ""):
                values.setdefault(name, each["PropValue"])
    return values


def _number(entry: tuple[str, Any]) -> tuple[int, str]:
    return (int(entry[0]) if entry[0].isdecimal() else len(entry[0]) + 10_000, entry[0])
