"""Userflow's webhook: users, groups and events of flows, signed with the time."""

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
from gtm_platform.ingest.hooks.hook import Hook, longest_prefix
from gtm_platform.ingest.hooks.verifiers import TimedSignature
from gtm_platform.sources.userflow.settings import UserflowSettings

STREAMS = {"user": ("users",), "group": ("groups",)}
TRACKED = "event.tracked."
OF_SESSIONS = ("flow_", "checklist_", "question_")


def events(delivery: Delivery) -> Iterator[Event]:
    """Yield the notification; of tracked events those count that move a flow or a checklist on."""
    body = delivery.object()
    id_, topic = plain_id(body.get("id")), plain_kind(body.get("topic"))
    if not id_ or topic == "other":
        raise Malformed("This is no notification of Userflow: it has no id, or no topic.")
    moves_on = topic.startswith(TRACKED) and topic.removeprefix(TRACKED).startswith(OF_SESSIONS)
    streams = ("content_sessions",) if moves_on else longest_prefix(topic, STREAMS)
    touched = touching(streams, None if moves_on else member(body, "data", "object", "id"))
    yield Event(id_, topic, touched, moment(body.get("created_at")))


HOOKS = (
    Hook(
        name="userflow",
        title="Userflow",
        settings=UserflowSettings,
        secret="USERFLOW_WEBHOOK_SECRET",
        verifier=TimedSignature("userflow-signature"),
        events=events,
        source="userflow",
        setup=(
            "No page has it: POST https://api.userflow.com/webhook_subscriptions with this address; the answer has "
            "the secret."
        ),
        topics="user, group, event.tracked.flow_completed, event.tracked.checklist_completed",
        repeats="with growing delays",
    ),
)
