"""Signals from automation tools: nobody can ask for them, so what is sent is kept."""

from collections.abc import Iterator
from typing import Any

import msgspec

from gtm_platform.ingest.hooks.delivery import NOT_READABLE, member, moment
from gtm_platform.ingest.hooks.streams import pushed_source, pushed_stream
from gtm_platform.ingest.record import unusable, with_facts
from gtm_platform.sources.pushed_signals.records import Signal
from gtm_platform.sources.pushed_signals.settings import PushedSignalSettings
from gtm_platform.state.hook_events import KeptEvent, digest_of

NAME = "pushed_signals"
KINDS = {
    "hiring": "job",
    "job": "job",
    "star": "star",
    "fork": "fork",
    "issue": "issue",
    "pull_request": "pull_request",
    "visit": "visit",
    "page_view": "visit",
}
SUBJECTS = (("company", "domain"), ("domain",), ("company_domain",), ("company", "linkedin_url"),
            ("person", "email"), ("email",), ("person", "linkedin_url"))  # fmt: skip


def _signals(event: KeptEvent, body: bytes) -> Iterator[bytes]:
    try:
        sent = msgspec.json.decode(body)
    except NOT_READABLE:
        sent = None
    if not any(isinstance(member(sent, *path), str) and member(sent, *path).strip() for path in SUBJECTS):
        yield unusable(body, "The signal names neither a company's domain nor a person's address")
        return
    yield with_facts(body, **_facts(event, body, sent))


def _facts(event: KeptEvent, body: bytes, sent: Any) -> dict[str, Any]:
    name = next(
        (text for path in (("signal", "name"), ("signal",), ("type",)) if _is_text(text := member(sent, *path))), ""
    )
    domains = (member(sent, *path) for path in SUBJECTS[:3])
    occurred = moment(member(sent, "occurred_at"))
    id_ = member(sent, "event_id") or member(sent, "id")
    return {
        "id": f"{event.hook}:{id_}" if isinstance(id_, str | int) and id_ else digest_of(body),
        "received_at": event.received_at,
        "sender": event.hook,
        "kind": KINDS.get(str(name).strip().lower().removeprefix("signal."), "listed"),
        "company_domain": next((domain.strip().lower() for domain in domains if _is_text(domain)), None),
        "occurred_at": occurred if occurred and 1990 <= occurred.year <= event.received_at.year + 1 else None,
    }


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


SOURCE = pushed_source(
    NAME,
    PushedSignalSettings,
    [pushed_stream(NAME, "signals", Signal, _signals)],
    about="Buying signals that Zapier, Make and others send.",
    minute=17,
)
