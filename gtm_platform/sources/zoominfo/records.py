"""ZoomInfo's answers: field names of ours, paths into theirs. Amounts are in thousands of dollars, years are texts."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from gtm_platform.ingest.enrichment import AnsweredCompany
from gtm_platform.ingest.record import MaybeAmount, MaybeId, MaybeInt, MaybeText, at


def _first(value: Any) -> Any:
    """The first of a list of texts."""
    return (value[0] if value else None) if isinstance(value, list) else value


def _linkedin(value: Any) -> Any:
    """The address of the company's page among those of its social media."""
    if not isinstance(value, list):
        return value
    pages = [each.get("url") for each in value if isinstance(each, dict) and each.get("type") == "LINKED_IN"]
    return pages[0] if pages else None


class Company(AnsweredCompany):
    """What ZoomInfo answered about a company; without a match there is nothing but the question."""

    zoominfo_id: MaybeId = at("id", about="ZoomInfo's own id, for which it charges once a year; 0: no match.")
    match_status: MaybeText = at("meta", "matchStatus", about="FULL_MATCH, NO_MATCH, INVALID_INPUT and others.")
    name: MaybeText = at("attributes", "name", about="What it is called.")
    website: MaybeText = at("attributes", "website", about="Its web site.")
    employee_count: MaybeInt = at("attributes", "employeeCount", about="How many work there.")
    employee_range: MaybeText = at("attributes", "employeeRange", about="The same as a range.")
    revenue_thousands: MaybeAmount = at("attributes", "revenue", about="Revenue of a year in thousands of dollars.")
    industry: Annotated[MaybeText, BeforeValidator(_first)] = at(
        "attributes", "primaryIndustry", about="Its main industry."
    )
    founded_year: MaybeText = at("attributes", "foundedYear", about="When it was founded.")
    city: MaybeText = at("attributes", "city", about="Where its headquarters is.")
    state: MaybeText = at("attributes", "state", about="In which state that is.")
    country: MaybeText = at("attributes", "country", about="In which country that is, by its English name.")
    linkedin_company_url: Annotated[MaybeText, BeforeValidator(_linkedin)] = at(
        "attributes", "socialMediaUrls", about="Its page at LinkedIn."
    )
    updated_at: MaybeText = at("attributes", "lastUpdatedDate", about="When ZoomInfo last looked.")
