"""What a row of research looks like to us, and which columns such files have."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from gtm_platform.ingest.files.cells import Day, MaybeDay, Words, host_of
from gtm_platform.ingest.files.layout import Fields, SourceFile
from gtm_platform.ingest.files.streams import FileRow
from gtm_platform.ingest.record import Id, MaybeText, fact

HEADINGS = {
    "company_domain": ("domain", "website", "company website"),
    "company_name": ("company", "account"),
    "competitor": ("vendor", "product", "uses"),
    "evidence_url": ("evidence", "link", "url", "where seen"),
    "quote": ("what was said", "text"),
    "confidence": ("sure", "certainty"),
    "pain_points": ("pains", "pain point", "complaints"),
    "seen_on": ("date", "seen", "last seen"),
    "first_seen_on": ("first seen",),
    "researched_by": ("researcher", "by"),
    "notes": ("note", "comment"),
}
IN_WORDS = {"low": "0.3", "medium": "0.6", "high": "0.9", "certain": "1"}


def _share(value: Any) -> Any:
    """0.8, 80 % and high are the same kind of answer."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    if text.endswith("%") and text[:-1].strip().replace(".", "", 1).isdigit():
        return str(Decimal(text[:-1].strip()) / 100)
    return IN_WORDS.get(text, text) or None


Share = Annotated[Annotated[float, Field(ge=0, le=1)] | None, BeforeValidator(_share)] | None


class CompetitorUse(FileRow):
    """A company that uses a competitor's product, as somebody of ours saw it."""

    use_key: Id = fact("use_key", default=..., about="The company and the competitor.")
    company_domain: MaybeText = fact("domain", about="The host of the company's website.")
    company_name: MaybeText = fact("company_name", about="The company's name.")
    competitor: Id = fact("competitor", default=..., about="Whose product, in lower case.")
    evidence_url: MaybeText = fact("evidence_url", about="Where it can be seen.")
    quote: MaybeText = fact("quote", personal=True, about="What was written or said.")
    confidence: Share = fact("confidence", about="How sure it is, from 0 to 1.")
    pain_points: Words = fact("pain_points", default=[], about="What the company is not content with.")
    seen_on: Day = fact("seen_on", default=..., about="When it was seen last.")
    first_seen_on: MaybeDay = fact("first_seen_on", about="When it was seen first.")
    researched_by: MaybeText = fact("researched_by", personal=True, about="Who of us saw it.")
    notes: MaybeText = fact("notes", personal=True, about="What somebody noted about it.")


def use_facts(fields: Fields, file: SourceFile) -> Mapping[str, Any]:
    """Return what a row says beside its cells; without a date it was seen when the file came."""
    host = host_of(fields.get("company_domain"))
    name, competitor = fields.get("company_name"), (fields.get("competitor") or "").strip().lower()
    company = host or (re.sub(r"\W+", " ", name.casefold()).strip() if name else None)
    return {
        "domain": host,
        "seen_on": fields.get("seen_on") or file.received_on,
        "competitor": competitor or None,
        "use_key": f"{company}|{competitor}" if company and competitor else None,
    }
