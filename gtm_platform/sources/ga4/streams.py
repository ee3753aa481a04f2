"""Google Analytics' streams: a report each, for the days of the window and the three before it.

Google works a day over for two days, and attributes its sessions anew for longer. A row that a day no longer has, since
its sessions were attributed to another source, goes with the next full refresh.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, timedelta

from gtm_platform.http.pages import Page
from gtm_platform.ingest.source import Stream, Window
from gtm_platform.settings import settings
from gtm_platform.sources.ga4 import records
from gtm_platform.sources.ga4.client import Analytics, Report

WORKED_OVER = timedelta(days=3)
AN_INSTANT = timedelta(microseconds=1)

TRAFFIC = Report(
    ("date", "hostName", "sessionSource", "sessionMedium", "sessionDefaultChannelGroup", "sessionCampaignName"),
    ("sessions", "totalUsers", "newUsers", "engagedSessions", "userEngagementDuration", "keyEvents"),
)
PAGES = Report(
    ("date", "hostName", "pagePath"), ("screenPageViews", "totalUsers", "userEngagementDuration", "keyEvents")
)

ReportOf = Callable[[Analytics], Report | None]


def company_visits(analytics: Analytics) -> Report | None:
    """Return the report by companies; None where no dimension names them."""
    if analytics.company_dimension is None:
        return None
    dimensions = ("date", analytics.company_dimension, "pagePath", "sessionSource")
    return Report(dimensions, ("sessions", "screenPageViews", "userEngagementDuration"))


def _stream(name: str, record: type[records.DailyRow], report_of: ReportOf, key: tuple[str, ...]) -> Stream:
    def pages(analytics: Analytics, window: Window) -> Iterator[Page]:
        report = report_of(analytics)
        if report is None:
            return
        last = (window.end - AN_INSTANT).astimezone(UTC)
        first = last - analytics.history if window.full else window.start.astimezone(UTC)
        yield from analytics.pages(report, first.date(), last.date())

    def probe(analytics: Analytics) -> None:
        if report := report_of(analytics):
            analytics.one_row(report, settings().now().date() - timedelta(days=1))

    return Stream(
        name,
        record,
        pages,
        key=("date", *key),
        cursor_field="day_at",
        lookback=WORKED_OVER,
        probe=probe,
        totals="A report counts its rows by what it shows, so that its count proves nothing.",
    )


STREAMS = (
    _stream(
        "traffic",
        records.Traffic,
        lambda _: TRAFFIC,
        ("host", "source", "medium", "channel_group", "campaign"),
    ),
    _stream("pages", records.PageViews, lambda _: PAGES, ("host", "page_path")),
    _stream("company_visits", records.CompanyVisits, company_visits, ("company_domain", "page_path", "source")),
)
