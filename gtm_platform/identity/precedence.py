"""Whose word counts first where sources disagree: the policy's order, then that which the feeds declare."""

from collections.abc import Sequence
from typing import TypeVar

from gtm_platform.ingest.feeds import CallFeed, CompanyFeed, PersonFeed
from gtm_platform.policy import Identity, PolicyError

F = TypeVar("F", bound=PersonFeed | CompanyFeed | CallFeed)


def by_precedence(feeds: Sequence[F], field: str, rules: Identity) -> list[F]:
    """Order the feeds for a field; those that the policy does not list come after those that it does."""
    listed: tuple[str, ...] = getattr(rules.precedence, field)
    if unknown := sorted(set(listed) - {feed.source for feed in feeds}):
        raise PolicyError(
            f"identity.precedence.{field} names {', '.join(unknown)}; the sources that have such a field are "
            f"{', '.join(dict.fromkeys(feed.source for feed in feeds))}."
        )
    place = {source: number for number, source in enumerate(listed)}

    def rank(feed: F) -> tuple[int, int, str]:
        return place.get(feed.source, len(listed)), feed.precedence_by_field.get(field, feed.precedence), feed.source

    return sorted(feeds, key=rank)


def ranks(feeds: Sequence[F], field: str, rules: Identity) -> dict[str, int]:
    """Return the place of each source in that order."""
    return {feed.source: number for number, feed in enumerate(by_precedence(feeds, field, rules))}
