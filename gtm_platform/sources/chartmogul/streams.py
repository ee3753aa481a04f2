"""ChartMogul's streams, each read whole: it rewrites its past whenever billing data is edited or imported anew."""

from collections.abc import Iterator
from datetime import date, timedelta

import msgspec

from gtm_platform.http.pages import Page, get_path, get_path_or_none
from gtm_platform.ingest.record import with_facts
from gtm_platform.ingest.source import Stream, Window
from gtm_platform.sources.chartmogul import records
from gtm_platform.sources.chartmogul.client import ChartMogul

DAYS, MONTHS = 35, 36  # that metrics are read for, by the day and by the month


def customers(chartmogul: ChartMogul, _: Window) -> Iterator[Page]:
    """List the customers."""
    return chartmogul.pages("/customers")


def activities(chartmogul: ChartMogul, _: Window) -> Iterator[Page]:
    """List all movements of MRR: one that was rewritten leaves no trace but its absence."""
    return chartmogul.pages("/activities")


def plans(chartmogul: ChartMogul, _: Window) -> Iterator[Page]:
    """List the plans of the billing systems."""
    return chartmogul.pages("/plans", "plans")


def data_sources(chartmogul: ChartMogul, _: Window) -> Iterator[Page]:
    """List the billing systems that are counted."""
    yield chartmogul.single_page("/data_sources", "data_sources")


def metrics(chartmogul: ChartMogul, window: Window) -> Iterator[Page]:
    """Read the recent months and days of all customers together, up to the last day of the window."""
    last = (window.end - timedelta(microseconds=1)).date()
    currency = get_path(chartmogul.account(), "currency")
    for interval, first in (("month", _months_before(last, MONTHS)), ("day", last - timedelta(days=DAYS - 1))):
        range_ = {"start-date": first.isoformat(), "end-date": last.isoformat(), "interval": interval}
        overall = chartmogul.single_page("/metrics/all", params=range_)
        by_date = {get_path_or_none(raw, "date"): msgspec.Raw(raw) for raw in overall}
        yield [
            with_facts(raw, interval=interval, currency=currency, overall=by_date.get(get_path_or_none(raw, "date")))
            for raw in chartmogul.single_page("/metrics/mrr", params=range_)
        ]


def _months_before(day: date, months: int) -> date:
    """The first day of the month that is so many months before."""
    months_since_year_0 = day.year * 12 + day.month - 1 - months
    return date(months_since_year_0 // 12, months_since_year_0 % 12 + 1, 1)


STREAMS = (
    Stream(
        "customers",
        records.Customer,
        customers,
        sync_mode="full_refresh",
        totals="A metric counts only who pays, and the number of pages is no longer to be relied on.",
    ),
    Stream("activities", records.Activity, activities, sync_mode="full_refresh"),
    Stream("plans", records.Plan, plans, sync_mode="full_refresh"),
    Stream("data_sources", records.DataSource, data_sources, sync_mode="full_refresh"),
    Stream("metrics", records.Metric, metrics, sync_mode="full_refresh", key=("interval", "day")),
)
