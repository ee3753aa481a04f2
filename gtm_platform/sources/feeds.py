"""The feeds of all sources: each package beside this module that has a module `feeds` contributes its FEEDS."""

from collections.abc import Sequence
from functools import cache
from typing import TypeVar

from gtm_platform.ingest.discovery import SOURCES_PACKAGE, discover
from gtm_platform.ingest.feeds import (
    AccountFeed,
    CallFeed,
    CompanyFeed,
    Feed,
    PersonFeed,
    SeatFeed,
    SubscriptionFeed,
    UsageFeed,
)
from gtm_platform.ingest.market_feeds import MarketFeed

Market = TypeVar("Market", bound=MarketFeed)


@cache
def feeds() -> tuple[Feed | MarketFeed, ...]:
    """Return every feed, in the order of their precedence."""
    discovered: list[Feed | MarketFeed] = [
        feed for values in discover(SOURCES_PACKAGE, "feeds", "FEEDS").values() for feed in values
    ]
    return tuple(sorted(discovered, key=lambda feed: (feed.precedence, feed.source)))


def person_feeds() -> tuple[PersonFeed, ...]:
    """Return the feeds of people, at most one a source."""
    people = tuple(feed for feed in feeds() if isinstance(feed, PersonFeed))
    _expect_distinct_sources(people)
    return people


def company_feeds() -> tuple[CompanyFeed, ...]:
    """Return the feeds of companies, at most one with ids a source."""
    companies = tuple(feed for feed in feeds() if isinstance(feed, CompanyFeed))
    _expect_distinct_sources([feed for feed in companies if feed.id])
    return companies


def usage_feeds() -> tuple[UsageFeed, ...]:
    """Return the feeds of use."""
    return tuple(feed for feed in feeds() if isinstance(feed, UsageFeed))


def account_feeds() -> tuple[AccountFeed, ...]:
    """Return the feeds of companies' accounts of the product."""
    return tuple(feed for feed in feeds() if isinstance(feed, AccountFeed))


def seat_feeds() -> tuple[SeatFeed, ...]:
    """Return the feeds of who may use the products."""
    return tuple(feed for feed in feeds() if isinstance(feed, SeatFeed))


def call_feeds() -> tuple[CallFeed, ...]:
    """Return the feeds of calls."""
    return tuple(feed for feed in feeds() if isinstance(feed, CallFeed))


def subscription_feeds() -> tuple[SubscriptionFeed, ...]:
    """Return the feeds of subscriptions, at most one a source: billing systems, then copies."""
    billing = tuple(feed for feed in feeds() if isinstance(feed, SubscriptionFeed))
    _expect_distinct_sources(billing)
    return tuple(sorted(billing, key=lambda feed: feed.is_copy))


def market_feeds(kind: type[Market]) -> tuple[Market, ...]:
    """Return the feeds of one kind about companies in the market."""
    return tuple(feed for feed in feeds() if isinstance(feed, kind))


def _expect_distinct_sources(of_one_kind: Sequence[PersonFeed | CompanyFeed | SubscriptionFeed]) -> None:
    names = [feed.source for feed in of_one_kind]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise TypeError(f"{', '.join(repeated)} has two feeds of one kind; the columns of the two would be the same.")
