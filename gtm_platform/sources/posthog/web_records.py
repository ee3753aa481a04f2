"""Records of the web site, as the queries of `web_streams` count them: by the day, the page, the visitors' company."""

from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from gtm_platform.ingest.record import Instant, Record, Whole, at

Day = date  # a field may not be called as its type
Count = Annotated[Whole, Field(ge=0)]


def _midnight(day: Any) -> Any:
    return f"{day}T00:00:00+00:00" if isinstance(day, str) else day


class DailyRow(Record):
    """What every row has."""

    date: Day = at("day", default=..., about="The day in UTC.")
    day_at: Annotated[Instant, BeforeValidator(_midnight)] = at("day", default=..., about="The same as an instant.")


class WebTraffic(DailyRow):
    """Sessions of a day by where they came from. A session belongs to the day on which it began."""

    host: str = at("host", default=..., about="The web site.")
    source: str = at("source", default=..., about="utm_source, else the site that led there, else (direct).")
    medium: str = at("medium", default=..., about="utm_medium, else referral, or (none) where nothing led there.")
    campaign: str = at("campaign", default=..., about="utm_campaign, or (not set).")
    sessions: Count = at("sessions", default=..., about="Sessions that began.")
    users: Count = at("users", default=..., about="Different visitors.")
    page_views: Count = at("page_views", default=..., about="Pages that were seen in them.")
    engagement_seconds: Count = at("seconds", default=..., about="From the first to the last event of each.")
    conversions: Count = at("conversions", default=..., about="Events of POSTHOG_CONVERSION_EVENTS in them.")


class WebPageViews(DailyRow):
    """Views of a page on a day."""

    host: str = at("host", default=..., about="The web site.")
    page_path: str = at("page_path", default=..., about="The page.")
    page_views: Count = at("page_views", default=..., about="Views.")
    users: Count = at("users", default=..., about="Different visitors.")


class CompanyVisits(DailyRow):
    """What a company's people looked at on a day."""

    company_domain: str = at(
        "company_domain", default=..., about="By POSTHOG_COMPANY_PROPERTY, else by the visitor's address."
    )
    page_path: str = at("page_path", default=..., about="The page.")
    sessions: Count = at("sessions", default=..., about="Sessions in which it was seen.")
    page_views: Count = at("page_views", default=..., about="Views.")
