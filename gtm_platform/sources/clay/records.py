"""Clay's answers: the columns that its tables for companies usually have.

A column of another name is not lost: it stays in the payload.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator

from gtm_platform.ingest.enrichment import AnsweredCompany
from gtm_platform.ingest.record import FACTS, MaybeAmount, MaybeInt, MaybeText, at

TextList = Annotated[list[str] | None, BeforeValidator(lambda value: _split(value))]


def _split(value: Any) -> Any:
    """A list, or texts that a template joined with commas."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _of_company(name: str, about: str) -> Any:
    return at(FACTS, "company", name, about=about)


class Company(AnsweredCompany):
    """What Clay answered about a company; without a match there is nothing but the question."""

    status: MaybeText = at("status", about="complete or failed of a routine; what a table says of a row.")
    name: MaybeText = _of_company("name", "What it is called.")
    description: MaybeText = _of_company("description", "What it does.")
    industry: MaybeText = _of_company("industry", "Its industry.")
    employee_count: MaybeInt = _of_company("employee_count", "How many work there.")
    employee_range: MaybeText = _of_company("employee_range", "The same as a range.")
    annual_revenue: MaybeAmount = _of_company("annual_revenue", "Revenue of a year in dollars.")
    founded_year: MaybeInt = _of_company("founded_year", "When it was founded.")
    city: MaybeText = _of_company("city", "Where its headquarters is.")
    state: MaybeText = _of_company("state", "In which state that is.")
    country: MaybeText = _of_company("country", "In which country that is, by its two letters.")
    company_type: MaybeText = _of_company("type", "Privately held, public and others.")
    linkedin_company_url: MaybeText = _of_company("linkedin_url", "Its page at LinkedIn.")
    technologies: TextList = _of_company("technologies", "What it works with.")
    total_funding: MaybeAmount = _of_company("total_funding", "All that was invested in it, in dollars.")
    last_funding_date: MaybeText = _of_company("last_funding_date", "When something was invested last.")
