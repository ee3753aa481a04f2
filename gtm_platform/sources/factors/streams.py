"""Factors.ai's one stream: visits, read account by account. What happened does not change, so nothing is read twice."""

from collections.abc import Iterator
from datetime import timedelta

from gtm_platform.http.pages import Page
from gtm_platform.ingest.source import Stream, Window
from gtm_platform.sources.factors import journeys, records
from gtm_platform.sources.factors.client import EXAMPLE_DOMAIN, Factors

SHOWN_LATE = timedelta(days=1)


def visits(factors: Factors, window: Window) -> Iterator[Page]:
    """Read the visits of each account, all or those since the day on which a window began."""
    for domain in factors.domains:
        for user in factors.journey(domain, None if window.full else window.start):
            yield journeys.visits(domain, user)


def _probe(factors: Factors) -> object:
    return factors.journey((*factors.domains, EXAMPLE_DOMAIN)[0], None)


STREAMS = (
    Stream(
        "visits",
        records.Visit,
        visits,
        sync_mode="append_only",
        cursor_field="visited_at",
        lookback=SHOWN_LATE,
        probe=_probe,
    ),
)
