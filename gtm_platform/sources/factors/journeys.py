"""An account's journey cut into visits: a session, and the pages that were looked at until the next one.

Properties come as JSON within a text or as an object, by client; both are read.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import msgspec

from gtm_platform.http.pages import Page
from gtm_platform.ingest.record import unusable, with_facts

SESSION = "$session"
MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
LIST = msgspec.json.Decoder(list[msgspec.Raw] | None)
NOT_READABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def visits(domain: str, user: bytes) -> Page:
    """Return the sessions of one user of an account, each with its pages and the company."""
    try:
        raw = MEMBERS.decode(user)
        events = [bytes(event) for event in LIST.decode(raw.get("user_activities", b"[]")) or ()]
    except NOT_READABLE:
        return [unusable(user, "The user of the account has no list of activities")]
    who = _decoded(user)
    properties = _properties(who.get("user_properties"))
    company = {
        "company_domain": domain,
        "company_name": properties.get("$6Signal_name"),
        "user_id": who.get("user_id"),
        "user_email": properties.get("$email") or properties.get("email"),
        "country": properties.get("$6Signal_country") or properties.get("$country"),
        "industry": properties.get("$6Signal_industry"),
    }
    return [with_facts(event, **company, **facts) for event, facts in _sessions(events, str(who.get("user_id")))]


def _sessions(events: list[bytes], user_id: str) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Yield each session with its facts; what cannot be read as an event is yielded for its reader to refuse."""
    decoded = [(event, _decoded(event)) for event in events]
    for event, members in decoded:
        if not members:
            yield event, {}
    ordered = sorted((pair for pair in decoded if pair[1]), key=lambda pair: _seconds(pair[1].get("timestamp")))
    begins = [number for number, (_, members) in enumerate(ordered) if members.get("event_name") == SESSION]
    for begin, end in pairwise([*begins, len(ordered)]):
        event, members = ordered[begin]
        seen = [_properties(each.get("properties")) for _, each in ordered[begin + 1 : end]]
        pages = [str(page["$page_url"]) for page in seen if page.get("$is_page_view") and page.get("$page_url")]
        session = _properties(members.get("properties"))
        facts = {
            "pages": list(dict.fromkeys(pages)),
            "page_views": len(pages) or session.get("$page_count"),
            "seconds": session.get("$session_spent_time"),
            "referral_source": referral_source(session),
        }
        yield event, facts if members.get("event_id") else {**facts, "id": _id(user_id, members)}


def referral_source(session: Mapping[str, Any]) -> str | None:
    """Return the channel, else the source with its medium, else the domain that linked to the site."""
    if channel := str(session.get("$channel") or ""):
        return channel
    if source := "/".join(str(session[name]) for name in ("$source", "$medium") if session.get(name)):
        return source
    with suppress(ValueError):
        return (urlsplit(str(session.get("$referrer") or "")).hostname or "").removeprefix("www.") or None
    return None


def _id(user_id: str, event: Mapping[str, Any]) -> str:
    parts = f"{user_id}:{event.get('timestamp')}:{event.get('event_name')}"
    return hashlib.sha256(parts.encode()).hexdigest()[:32]


def _properties(value: Any) -> Mapping[str, Any]:
    """Properties, decoded a second time where they are a text."""
    return _decoded(value.encode()) if isinstance(value, str) else value if isinstance(value, dict) else {}


def _decoded(text: bytes) -> dict[str, Any]:
    with suppress(*NOT_READABLE):
        value = msgspec.json.decode(text)
        return value if isinstance(value, dict) else {}
    return {}


def _seconds(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
