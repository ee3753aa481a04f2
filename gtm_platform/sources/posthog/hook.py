"""PostHog's webhook: a destination that sends events as they come. It signs nothing, so a header has the secret."""

from collections.abc import Iterator

from gtm_platform.ingest.hooks.delivery import (
    Delivery,
    Event,
    Malformed,
    member,
    moment,
    plain_id,
    plain_kind,
    touching,
)
from gtm_platform.ingest.hooks.hook import Hook
from gtm_platform.ingest.hooks.verifiers import SharedSecret
from gtm_platform.settings import settings_of
from gtm_platform.sources.posthog.settings import PostHogSettings


def events(delivery: Delivery) -> Iterator[Event]:
    """Yield the event: one of signing up touches who signed up, too; any counts as use."""
    body = delivery.object()
    name, id_ = member(body, "event", "event"), plain_id(member(body, "event", "uuid"))
    if not isinstance(name, str) or not id_:
        raise Malformed("This is not what the destination HTTP Webhook sends: it has no event with a name and a uuid.")
    is_signup = name == settings_of(PostHogSettings).posthog_signup_event
    streams = ("signups", "persons", "daily_usage") if is_signup else ("daily_usage",)
    touched = touching(streams, member(body, "person", "id"))
    yield Event(id_, plain_kind(name), touched, moment(member(body, "event", "timestamp")))


HOOKS = (
    Hook(
        name="posthog",
        title="PostHog",
        settings=PostHogSettings,
        secret="POSTHOG_WEBHOOK_SECRET",
        verifier=SharedSecret("x-posthog-secret"),
        events=events,
        source="posthog",
        setup=(
            "Data pipelines → Destinations → HTTP Webhook, with this address, its usual body, and a header "
            "X-PostHog-Secret with a secret of your own."
        ),
        topics="the events of signing up and logging in; not every page view",
        repeats="a few times within minutes",
    ),
)
