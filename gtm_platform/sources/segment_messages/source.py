"""Segment: nobody can ask it for what was, so what the destination sends is kept, by type of message."""

from collections.abc import Callable, Iterator

from gtm_platform.http.pages import get_path_or_none
from gtm_platform.ingest.hooks.delivery import moment
from gtm_platform.ingest.hooks.streams import RecordsOf, pushed_source, pushed_stream
from gtm_platform.ingest.record import deleted, with_facts
from gtm_platform.sources.segment_messages import records
from gtm_platform.sources.segment_messages.message_types import DELETE, STREAM_OF
from gtm_platform.sources.segment_messages.settings import SegmentSettings
from gtm_platform.state.hook_events import KeptEvent, digest_of

NAME = "segment_messages"


def _records(stream: str, id_of: Callable[[bytes], object]) -> RecordsOf:
    def read(event: KeptEvent, body: bytes) -> Iterator[bytes]:
        type_ = get_path_or_none(body, "type")
        if STREAM_OF.get(str(type_)) == stream:
            happened = moment(get_path_or_none(body, "timestamp"))
            facts = {"id": id_of(body) or digest_of(body), "received_at": event.received_at, "happened_at": happened}
            record = with_facts(body, **facts)
            yield deleted(record) if type_ == DELETE else record

    return read


def _person(body: bytes) -> object:
    return get_path_or_none(body, "userId") or get_path_or_none(body, "anonymousId")


SOURCE = pushed_source(
    NAME,
    SegmentSettings,
    [
        pushed_stream(
            NAME,
            "happenings",
            records.Happening,
            _records("happenings", lambda body: get_path_or_none(body, "messageId")),
        ),
        pushed_stream(NAME, "people", records.Person, _records("people", _person)),
        pushed_stream(
            NAME, "companies", records.Company, _records("companies", lambda body: get_path_or_none(body, "groupId"))
        ),
    ],
    about="What Segment sends: what people do, who they are, which companies they belong to.",
    minute=18,
)
