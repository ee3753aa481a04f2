"""Which company, person and list a row is about. Addresses of LinkedIn come in several forms, of which none is another.

A vanity address, a Sales Navigator id and a company's number cannot be turned into each other, so each is kept apart.
"""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from gtm_platform.ingest.files.cells import employee_range, host_of, path_steps
from gtm_platform.ingest.files.layout import Fields, SourceFile

LIST_NAME = re.compile(r"(?:accounts|companies|contacts|leads)[_-]+(?P<list>.+?)(?:[_-]+\d{8})?", re.IGNORECASE)
DATED = re.compile(r"[_-]+\d{8}$")


def company_key(*urls: str | None) -> str | None:
    """Return the key of a company's page: company/acme; the first address that has one."""
    return next((f"company/{step}" for url in urls if (step := _step_after("company", url))), None)


def person_key(*urls: str | None) -> str | None:
    """Return the key of a person's public page: in/dana-dev; the first address that has one."""
    return next((f"in/{step}" for url in urls if (step := _step_after("in", url))), None)


def lead_id(*urls: str | None) -> str | None:
    """Return the id of a person in Sales Navigator, which stands before the first comma of its address."""
    for url in urls:
        steps = [step for step in (url or "").split("?")[0].split("/") if step]
        for before, step in pairwise(steps):
            if before.lower() in ("lead", "people"):
                return step.split(",")[0]
    return None


def _step_after(kind: str, url: str | None) -> str | None:
    steps = path_steps(url)
    return next((step for before, step in pairwise(steps) if before == kind), None)


def list_name(fields: Fields, file: SourceFile) -> str:
    """Return the list that a row is on: as its column says, else as the file is called."""
    matched = LIST_NAME.fullmatch(file.stem)
    return fields.get("list_name") or (matched["list"] if matched else DATED.sub("", file.stem))


def account_facts(fields: Fields, file: SourceFile) -> Mapping[str, Any]:
    """Return what a row of accounts says beside its cells."""
    page = company_key(fields.get("linkedin_company_url"))
    host, company = host_of(fields.get("website")), fields.get("company_name")
    least, most = employee_range(fields.get("employee_count"))
    return {
        "list_name": list_name(fields, file),
        "linkedin_company_key": page,
        "domain": host,
        "account_key": page or host or (_bare(company) if company else None),
        "employees_min": least,
        "employees_max": most,
    }


def lead_facts(fields: Fields, file: SourceFile) -> Mapping[str, Any]:
    """Return what a row of leads says beside its cells."""
    urls = (fields.get("linkedin_profile_url"), fields.get("sales_nav_url"))
    page, lead, email = person_key(*urls), lead_id(*reversed(urls)), (fields.get("email") or "").lower() or None
    full = fields.get("full_name") or " ".join(filter(None, (fields.get("first_name"), fields.get("last_name"))))
    company = fields.get("company_name")
    named = f"{_bare(full)}@{_bare(company)}" if full and company else None
    return {
        "list_name": list_name(fields, file),
        "full_name": full or None,
        "email": email,
        "linkedin_person_key": page,
        "sales_nav_id": lead,
        "linkedin_company_key": company_key(fields.get("linkedin_company_url")),
        "domain": host_of(fields.get("company_website")),
        "lead_key": page or (f"lead/{lead}" if lead else None) or email or named,
    }


def _bare(name: str) -> str:
    return " ".join(re.sub(r"[^\w]+", " ", name.casefold()).split())
