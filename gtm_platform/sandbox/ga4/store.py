"""The property's visits: those of the market's companies, each with what a report may ask of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from gtm_platform.sandbox.world.market import Market
from gtm_platform.sandbox.world.market_signals import Visit

COMPANY_DIMENSION = "customEvent:company_domain"
HOST = "www.ours.example"
_SOURCES = {
    "google": ("google", "organic", "Organic Search"),
    "direct": ("(direct)", "(none)", "Direct"),
    "linkedin": ("linkedin.com", "referral", "Organic Social"),
    "github": ("github.com", "referral", "Referral"),
    "newsletter": ("newsletter", "email", "Email"),
}
_UNNAMED = 4  # of so many visits one is of somebody whose company nobody knows


@dataclass(frozen=True, slots=True)
class PageOfVisit:
    """A page that was seen in a visit; a report shows a visit for each of its pages, or once."""

    visit: Visit
    domain: str
    page: str
    views: int
    seconds: int

    @property
    def day(self) -> date:
        """The day of the visit, in the property's time zone, which is UTC."""
        return self.visit.at.date()


DIMENSIONS: Mapping[str, Callable[[PageOfVisit], str]] = {
    "date": lambda row: f"{row.day:%Y%m%d}",
    "hostName": lambda _: HOST,
    "pagePath": lambda row: row.page,
    "sessionSource": lambda row: _SOURCES[row.visit.referrer][0],
    "sessionMedium": lambda row: _SOURCES[row.visit.referrer][1],
    "sessionDefaultChannelGroup": lambda row: _SOURCES[row.visit.referrer][2],
    "sessionCampaignName": lambda row: "weekly" if row.visit.referrer == "newsletter" else "(not set)",
    COMPANY_DIMENSION: lambda row: row.domain if row.visit.id % _UNNAMED else "(not set)",
}
# Of the rows of a group: counted by the visit, or summed up.
COUNTED: Mapping[str, Callable[[PageOfVisit], bool]] = {
    "sessions": lambda _: True,
    "totalUsers": lambda _: True,
    "newUsers": lambda row: row.visit.id % 3 == 0,
    "engagedSessions": lambda row: row.visit.seconds > 60,
    "keyEvents": lambda row: "/pricing" in row.visit.pages,
}
SUMMED: Mapping[str, Callable[[PageOfVisit], int]] = {
    "screenPageViews": lambda row: row.views,
    "userEngagementDuration": lambda row: row.seconds,
}


@dataclass(frozen=True)
class PropertyStore:
    """A property with the visits of the market."""

    market: Market
    property_id: str

    def rows(self, first: date, last: date, now: datetime) -> Iterator[PageOfVisit]:
        """Yield the pages of the visits of some days, as far as they have happened."""
        for each in self.market.companies(now):
            for visit in each.signals.visits:
                if visit.at <= now and first <= visit.at.date() <= last:
                    distinct = dict.fromkeys(visit.pages)
                    seconds = visit.seconds // len(visit.pages)
                    for page in distinct:
                        views = visit.pages.count(page)
                        yield PageOfVisit(visit, each.company.domain, page, views, seconds * views)
