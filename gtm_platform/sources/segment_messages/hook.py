"""Segment's webhook: a message, or a batch of which only the first is signed."""

from collections.abc import Iterator

import msgspec

from gtm_platform.ingest.hooks.delivery import (
    NOT_READABLE,
    Delivery,
    Event,
    Malformed,
    moment,
    plain_id,
    plain_kind,
    touching,
)
from gtm_platform.ingest.hooks.hook import Hook
from gtm_platform.ingest.hooks.verifiers import BodySignature
from gtm_platform.sources.segment_messages.message_types import STREAM_OF
from gtm_platform.sources.segment_messages.settings import SegmentSettings

BATCH = msgspec.json.Decoder(list[msgspec.Raw])
MESSAGE = msgspec.json.Decoder(dict[str, object])


def signed_part(body: bytes) -> bytes:
    """Return what of a body is signed: all of it, or the first message of a batch, byte for byte."""
    if body.lstrip()[:1] != b"[":
        return body
    try:
        messages = BATCH.decode(body)
    except NOT_READABLE:
        return body
    return bytes(messages[0]) if messages else body


def events(delivery: Delivery) -> Iterator[Event]:
    """Yield each message. Of a batch only the first is authentic, so a batch of several is refused."""
    try:
        batch = [bytes(each) for each in BATCH.decode(delivery.body)] if delivery.body.lstrip()[:1] == b"[" else None
        raws = batch if batch is not None else [delivery.body]
        messages = [MESSAGE.decode(raw) for raw in raws]
    except NOT_READABLE:
        raise Malformed("This is no message of Segment: it is not a JSON object.") from None
    if len(messages) > 1:
        raise Malformed("Of a batch Segment signs the first message only: turn batching off in the destination.")
    for raw, message in zip(raws, messages, strict=True):
        type_ = plain_kind(message.get("type"))
        touched = touching([STREAM_OF[type_]]) if type_ in STREAM_OF else {}
        id_ = plain_id(message.get("messageId")) or None
        yield Event(id_, type_, touched, moment(message.get("timestamp")), raw if touched else None)


HOOKS = (
    Hook(
        name="segment",
        title="Segment",
        settings=SegmentSettings,
        secret="SEGMENT_WEBHOOK_SECRET",
        verifier=BodySignature("x-signature", "sha1", signed=signed_part),
        events=events,
        source="segment_messages",
        setup="Connections → Destinations → Webhooks (Actions), with this address, a shared secret, and batching off.",
        topics="identify, group, track and page, of the sources that matter",
        repeats="for about 4 hours",
        keeps_bodies=True,
    ),
)
