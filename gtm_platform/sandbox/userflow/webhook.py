"""Userflow's webhook: users who were made, and tasks of the checklist that were done."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.kit.webhooks import Happening, Webhook, compact, spans, timed, within

VERSION, TASK = "2020-01-03", "checklist_task_completed"


def happenings(world: Any, since: datetime, until: datetime) -> Iterator[Happening]:
    """What users did in between."""
    for user in world.userflow.users.values():
        if within(since, user.created, until):
            about = {"id": user.id, "object": "user", "attributes": {"email": user.email, "name": user.name}}
            yield _happening(f"{user.id}-created", "user.created", user.created, about)
        for number, at in enumerate(user.tasks):
            if within(since, at, until):
                done = {"id": f"{user.id}-{number}", "object": "event", "name": TASK, "user_id": user.id}
                yield _happening(f"{user.id}-task-{number}", f"event.tracked.{TASK}", at, done)


def _happening(id_: str, topic: str, at: datetime, about: dict[str, Any]) -> Happening:
    body = {"id": id_, "object": "webhook_notification", "api_version": VERSION, "created_at": at.isoformat()}
    return Happening(at, compact({**body, "topic": topic, "data": {"object": about}}))


WEBHOOK = Webhook(
    "userflow",
    "USERFLOW_WEBHOOK_SECRET",
    "sandbox-userflow-secret",
    timed("Userflow-Signature"),
    happenings,
    spans(60, 600, 3_600),
)
