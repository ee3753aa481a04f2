"""Visits of the market's companies to the web site, as events: of visitors who have no profile in PostHog.

They are the visits that Google Analytics sees; some name their company by a property, as visitor-identification does.
The web site was counted before the product was.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from gtm_platform.sandbox.posthog.events import PostHogEvent
from gtm_platform.sandbox.posthog.store import PostHogPerson, PostHogStore
from gtm_platform.sandbox.world.market_signals import Visit

WEB_HOST = "www.ours.example"
COMPANY_PROPERTY = "company_domain"
CONVERSION = "demo_requested"  # at the end of a visit that saw what it costs
_UNNAMED = 4  # of so many visits one is of somebody whose company nobody knows
_INGESTION = timedelta(seconds=2)
_ORIGINS = {
    "google": {"$referring_domain": "www.google.com"},
    "direct": {"$referring_domain": "$direct"},
    "linkedin": {"$referring_domain": "www.linkedin.com"},
    "github": {"$referring_domain": "github.com"},
    "newsletter": {"utm_source": "newsletter", "utm_medium": "email", "utm_campaign": "weekly"},
}


def web_visits(store: PostHogStore, first: datetime, last: datetime, now: datetime) -> Iterator[PostHogEvent]:
    """Yield the events of visits from one instant to another, as far as PostHog has got them by now."""
    for each in store.market.companies(now) if store.market else ():
        for visit in each.signals.visits:
            if first - timedelta(days=1) <= visit.at <= last:
                for event in _events(visit, each.company.domain):
                    if first <= event.timestamp <= min(last, now):
                        yield event


def _events(visit: Visit, domain: str) -> Iterator[PostHogEvent]:
    uuid = str(uuid5(NAMESPACE_URL, f"visit:{visit.id}"))
    visitor = PostHogPerson(uuid, visit.at, [uuid], {}, None)
    named = {COMPANY_PROPERTY: domain} if visit.id % _UNNAMED else {}
    step = timedelta(seconds=visit.seconds / len(visit.pages))
    for place, page in enumerate(visit.pages):
        at = visit.at + place * step
        shown = {"$lib": "web", "$process_person_profile": False, "$host": WEB_HOST, "$pathname": page}
        shown |= {"$current_url": f"https://{WEB_HOST}{page}", **_ORIGINS[visit.referrer], **named}
        yield PostHogEvent("$pageview", at, at + _INGESTION, visitor, visit.at, place, shown)
    if "/pricing" in visit.pages:
        end = visit.at + (len(visit.pages) - 1) * step
        place, shown = len(visit.pages), {"$lib": "web", "$process_person_profile": False}
        yield PostHogEvent(CONVERSION, end, end + _INGESTION, visitor, visit.at, place, shown)
