"""The webhooks of automation tools: JSON or a form, one signal or a list of them, signed as we document it or not."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from gtm_platform.ingest.hooks.delivery import Delivery, Event, Malformed, moment, plain_id, plain_kind, touching
from gtm_platform.ingest.hooks.hook import Hook
from gtm_platform.ingest.hooks.verifiers import SharedSecret
from gtm_platform.sources.pushed_signals.settings import PushedSignalSettings

FORM = "application/x-www-form-urlencoded"
NESTING = "__"  # by which Zapier joins the names of nested fields
BEARER = "with a header Authorization: Bearer and a secret of your own, and a JSON body as docs/webhooks.md has it."


def events(delivery: Delivery) -> Iterator[Event]:
    """Yield each signal of the body."""
    for sent in _signals(delivery):
        kind = plain_kind(sent.get("type") or sent.get("signal"))
        id_ = plain_id(sent.get("event_id") or sent.get("id")) or None
        yield Event(id_, kind, touching(["signals"]), moment(sent.get("occurred_at")), msgspec.json.encode(sent))


def _signals(delivery: Delivery) -> list[dict[str, Any]]:
    if delivery.headers.get("content-type", "").lower().startswith(FORM):
        return [_nested(dict(_fields(delivery.body)))]
    body = delivery.json()
    listed = body if isinstance(body, list) else [body]
    if not all(isinstance(each, dict) for each in listed):
        raise Malformed("A signal is a JSON object, and several are a list of objects.")
    return [_nested(each) for each in listed]


def _fields(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=500)
    except ValueError:
        raise Malformed("The body is not a form that can be read.") from None


def _nested(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with those that were joined put into each other again: company__domain is company.domain."""
    nested: dict[str, Any] = {}
    for name, value in fields.items():
        outer, joined, inner = name.partition(NESTING)
        place = nested.setdefault(outer, {}) if joined and outer and inner else nested
        if isinstance(place, dict):
            place[inner if place is not nested else name] = value
    return nested


def _hook(name: str, title: str, setup: str, repeats: str) -> Hook:
    return Hook(
        name=name,
        title=title,
        settings=PushedSignalSettings,
        secret=f"{name.upper()}_WEBHOOK_SECRET",
        verifier=SharedSecret(),
        events=events,
        source="pushed_signals",
        setup=setup,
        topics="whatever is a signal: a demo request, a form, a job post",
        repeats=repeats,
        keeps_bodies=True,
    )


HOOKS = (
    _hook("zapier", "Zapier", f"Webhooks by Zapier → POST to this address, {BEARER}", "for hours, with autoreplay on"),
    _hook("make", "Make", f"HTTP → Make a request: POST to this address, {BEARER}", "as the scenario says"),
    _hook("signals", "Signals of others", f"Whatever can POST: to this address, {BEARER}", "as the sender has it"),
)
