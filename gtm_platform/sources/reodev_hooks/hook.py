"""Reo.dev's webhook: an activity, a developer or an account. It documents no signature: a secret comes along."""

from collections.abc import Iterator

from gtm_platform.ingest.hooks.delivery import Delivery, Event, Malformed, moment, touching
from gtm_platform.ingest.hooks.hook import Hook
from gtm_platform.ingest.hooks.verifiers import SharedSecret
from gtm_platform.sources.reodev_hooks.settings import ReoHookSettings


def events(delivery: Delivery) -> Iterator[Event]:
    """Yield the activity; a developer or an account without one is about nothing that is kept."""
    body = delivery.object()
    if "activity_type" in body:
        occurred = moment(body.get("activity_date"))
        yield Event(None, "activity", touching(["activities"]), occurred, delivery.body)
    elif "developer_name" in body or "account_domain" in body:
        yield Event(None, "developer" if "developer_name" in body else "account")
    else:
        raise Malformed("This is no payload of Reo.dev: neither an activity, nor a developer, nor an account.")


HOOKS = (
    Hook(
        name="reodev",
        title="Reo.dev",
        settings=ReoHookSettings,
        secret="REODEV_WEBHOOK_SECRET",
        verifier=SharedSecret(),
        events=events,
        source="reodev_hooks",
        setup="Settings → Integrations → Webhooks, of the payload type activity, with a header Authorization: Bearer "
        "and a secret of your own; where headers cannot be set, a step between adds it.",
        topics="activities of the segments that matter",
        repeats="not documented",
        keeps_bodies=True,
    ),
)
