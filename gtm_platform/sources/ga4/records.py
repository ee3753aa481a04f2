"""Google Analytics' rows: dimensions and figures by their place in the report, all of them texts there.

What they are about is aggregate; nobody's person or address is among it.
"""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator

from gtm_platform.ingest.record import Instant, MaybeAmount, MaybeInt, Record, at

DAY = "%Y%m%d"


def _day(value: Any) -> Any:
    """A day as Google writes it; what is none stays as it is, for its field to refuse."""
    try:
        return datetime.strptime(value, DAY).date()
    except (TypeError, ValueError):
        return value


def _midnight(value: Any) -> Any:
    """The beginning of a day, in UTC whatever the property's time zone is."""
    day = _day(value)
    return f"{day.isoformat()}T00:00:00+00:00" if isinstance(day, date) else "no day"


Day = Annotated[date, BeforeValidator(_day)]
Midnight = Annotated[Instant, BeforeValidator(_midnight)]


def _dimension(place: int, about: str) -> Any:
    return at("dimensionValues", place, "value", default=..., about=about)


def _metric(place: int, about: str) -> Any:
    return at("metricValues", place, "value", about=about)


class DailyRow(Record):
    """What every row has."""

    date: Day = _dimension(0, "The day, in the property's time zone.")
    day_at: Midnight = _dimension(0, "The same as an instant.")


class Traffic(DailyRow):
    """Sessions of a day by where they came from."""

    host: str = _dimension(1, "The web site.")
    source: str = _dimension(2, "Where the session came from: google, (direct), newsletter.")
    medium: str = _dimension(3, "By which medium: organic, (none), email.")
    channel_group: str = _dimension(4, "Google's group of both: Organic Search, Direct.")
    campaign: str = _dimension(5, "The campaign, or (not set).")
    sessions: MaybeInt = _metric(0, "Sessions that began.")
    users: MaybeInt = _metric(1, "Different visitors.")
    new_users: MaybeInt = _metric(2, "Visitors who came for the first time.")
    engaged_sessions: MaybeInt = _metric(3, "Sessions of some length, or with a conversion.")
    engagement_seconds: MaybeAmount = _metric(4, "How long the site was looked at.")
    conversions: MaybeAmount = _metric(5, "Key events; a share of one where Google models them.")


class PageViews(DailyRow):
    """Views of a page on a day. Its sessions are not summed up, as one session sees several pages."""

    host: str = _dimension(1, "The web site.")
    page_path: str = _dimension(2, "The page; (other) where there were too many.")
    page_views: MaybeInt = _metric(0, "Views.")
    users: MaybeInt = _metric(1, "Different visitors.")
    engagement_seconds: MaybeAmount = _metric(2, "How long it was looked at.")
    conversions: MaybeAmount = _metric(3, "Key events on it.")


class CompanyVisits(DailyRow):
    """What a company's people looked at on a day, where a custom dimension says whose they are."""

    company_domain: str = _dimension(1, "The company's domain, as the custom dimension has it.")
    page_path: str = _dimension(2, "The page.")
    source: str = _dimension(3, "Where they came from.")
    sessions: MaybeInt = _metric(0, "Sessions in which it was seen.")
    page_views: MaybeInt = _metric(1, "Views.")
    engagement_seconds: MaybeAmount = _metric(2, "How long it was looked at.")
