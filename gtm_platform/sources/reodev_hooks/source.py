"""Activities that Reo.dev sends: its API is an add-on of its own, so what the webhook brings is kept."""

from collections.abc import Iterator

from gtm_platform.http.pages import get_path_or_none
from gtm_platform.ingest.hooks.streams import pushed_source, pushed_stream
from gtm_platform.ingest.record import with_facts
from gtm_platform.sources.reodev.kinds import kind_of, repository_of
from gtm_platform.sources.reodev.records import WebhookActivity
from gtm_platform.sources.reodev_hooks.settings import ReoHookSettings
from gtm_platform.state.hook_events import KeptEvent, digest_of

NAME = "reodev_hooks"
# The names by which the API's lists have what a webhook calls otherwise.
LISTED = {
    "activity_type": "activity_type",
    "activity_info": "activity_info",
    "activity_source": "source_type",
    "source_url": "activity_source_url",
}


def _activities(event: KeptEvent, body: bytes) -> Iterator[bytes]:
    row = {name: get_path_or_none(body, sent) for name, sent in LISTED.items()}
    facts = {"kind": kind_of(row), "repository": repository_of(row), "received_at": event.received_at}
    yield with_facts(body, id=digest_of(body), **facts)


SOURCE = pushed_source(
    NAME,
    ReoHookSettings,
    [pushed_stream(NAME, "activities", WebhookActivity, _activities)],
    about="What developers of companies do, as Reo.dev says it at once.",
    minute=14,
)
