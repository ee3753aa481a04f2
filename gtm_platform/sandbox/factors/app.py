"""The emulator's one address: an array of an account's users with their events, whose properties are JSON in a text."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from starlette.applications import Starlette
from starlette.requests import Request

from gtm_platform.sandbox.factors.access import PREFIX, Limits, api
from gtm_platform.sandbox.factors.store import FactorsStore
from gtm_platform.sandbox.kit.errors import BadParameterError
from gtm_platform.sandbox.kit.filters import parse_instant
from gtm_platform.sandbox.kit.render import iso_seconds, unix_seconds
from gtm_platform.sandbox.world.market_signals import Visit
from gtm_platform.sandbox.world.names import COUNTRIES
from gtm_platform.sandbox.world.people import Company

Shape = dict[str, Any]
_SITE = "www.trychroma.com"
_CHANNELS = {
    "google": ("Organic Search", "https://www.google.com/"),
    "direct": ("Direct", ""),
    "linkedin": ("Organic Social", "https://www.linkedin.com/"),
    "github": ("Referral", "https://github.com/"),
    "newsletter": ("Email", ""),
}


class Factors:
    """The handlers."""

    def __init__(self, store: FactorsStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def journey(self, request: Request) -> Any:
        """The users of an account with what they did; an account that never came has none."""
        begin, end = _bound(request, "from"), _bound(request, "to")
        visited = self._store.visits(request.path_params["domain"].lower(), self._clock())
        if visited is None:
            return []
        company, visits = visited
        chosen = [v for v in visits if (begin is None or v.at >= begin) and (end is None or v.at < end)]
        part = request.query_params.get("event_name", "").lower()
        events = [event for visit in chosen for event in _events(visit) if part in event["event_name"].lower()]
        return [_user(company, visits[-1], events)] if events else []


def _bound(request: Request, name: str) -> datetime | None:
    """An instant of the query; the end of a whole day includes the day."""
    text = request.query_params.get(name)
    if not text:
        return None
    bound = parse_instant(text)
    if bound is None:
        raise BadParameterError(name, f"{name} must be a date.")
    return bound + timedelta(days=1) if name == "to" and len(text) == len("2026-01-01") else bound


def _user(company: Company, last: Visit, events: list[Shape]) -> Shape:
    country = COUNTRIES[company.country]
    properties = {
        "$country": country[0],
        "$6Signal_name": company.name,
        "$6Signal_domain": company.domain,
        "$6Signal_country": country[0],
        "$6Signal_industry": company.industry,
    }
    return {
        "user_id": str(uuid5(NAMESPACE_URL, f"factors:{company.number}")),
        "is_anonymous": True,
        "user_name": "New User",
        "user_last_event_at": iso_seconds(last.at),
        "extra_prop": "",
        "user_properties": json.dumps(properties),
        "filtered_user_properties": {},
        "user_activities": events,
    }


def _events(visit: Visit) -> Iterator[Shape]:
    """A session, then the pages that were looked at in it, the time shared out among them."""
    channel, referrer = _CHANNELS[visit.referrer]
    source = {"$channel": channel, "$source": visit.referrer, "$medium": "", "$campaign": "", "$referrer": referrer}
    session = {
        "$session_spent_time": visit.seconds,
        "$page_count": len(visit.pages),
        **source,
        "$initial_page_url": f"{_SITE}{visit.pages[0]}",
    }
    yield _event(str(visit.id), "$session", visit.at, "Website Session", "brand", session)
    each = visit.seconds // len(visit.pages)
    for number, page in enumerate(visit.pages):
        seen = {
            "$is_page_view": True,
            "$page_url": f"{_SITE}{page}",
            "$page_title": page.strip("/").title() or "Home",
            "$page_spent_time": each,
            "$referrer": referrer,
        }
        at = visit.at + timedelta(seconds=1 + number * each)
        yield _event(f"{visit.id}-{number}", f"{_SITE}{page}", at, "Page View", "window", seen)


def _event(id_: str, name: str, at: datetime, shown: str, icon: str, properties: Shape) -> Shape:
    return {
        "event_id": id_,
        "event_name": name,
        "event_type": "FE",
        "timestamp": unix_seconds(at),
        "display_name": shown,
        "alias_name": "",
        "icon": icon,
        "properties": json.dumps(properties),
    }


def app(store: FactorsStore, clock: Callable[[], datetime], limits: Limits | None = None) -> Starlette:
    """Factors.ai on this store."""
    factors = Factors(store, clock)
    return api(limits or Limits()).app((("GET", f"{PREFIX}/account/{{domain}}/journey", factors.journey),))
