"""A task in HubSpot, associated with the contact. Its text has a reference, by which it is recognised."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from html import escape

from gtm_platform.delivery.actions.targets import Target
from gtm_platform.http.pages import expect_json
from gtm_platform.policy.actions import Action
from gtm_platform.sources.hubspot.client import HubSpotClient

TASK_OF_CONTACT = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}
UNTOUCHED = "NOT_STARTED"
READ_AT_ONCE = 100
TASKS = "/crm/v3/objects/tasks"


class HubSpotTasks:
    """Tasks of contacts.

    `creating` is a client that tries once: a task that is created again is a second one.
    """

    def __init__(self, client: HubSpotClient, creating: HubSpotClient, now: Callable[[], datetime]) -> None:
        self._client, self._creating, self._now = client, creating, now

    def find(self, target_id: str, reference: str) -> str | None:
        """Return the task of a contact whose text has the reference."""
        for id, properties in self._tasks(target_id).items():
            if reference in (properties.get("hs_task_body") or ""):
                return id
        return None

    def is_there(self, target_id: str) -> str | None:  # noqa: ARG002
        """Return nothing: another task of the contact is about something else."""
        return None

    def act(self, rule: Action, target: Target, reference: str) -> str:
        """Create the task."""
        body = {
            "properties": {
                "hs_timestamp": f"{self._now() + timedelta(days=rule.due_days):%Y-%m-%dT%H:%M:%SZ}",
                "hs_task_subject": rule.text,
                "hs_task_body": _text(target, reference),
                "hs_task_status": UNTOUCHED,
                "hs_task_priority": rule.priority,
                "hs_task_type": "TODO",
            },
            "associations": [{"to": {"id": target.target_id}, "types": [TASK_OF_CONTACT]}],
        }
        create = partial(self._creating.api("objects.basic_api").create, "tasks", body)
        return str(json.loads(self._creating.call("POST", TASKS, create, check=expect_json))["id"])

    def take_back(self, target_id: str, external_id: str) -> bool:
        """Archive the task, unless somebody began with it."""
        task = self._tasks(target_id).get(external_id)
        if task is None:  # a person archived it
            return True
        if task.get("hs_task_status") != UNTOUCHED:
            return False
        archive = partial(self._client.api("objects.basic_api").archive, "tasks", external_id)
        self._client.call("DELETE", f"{TASKS}/{external_id}", archive, check=bytes)
        return True

    def _tasks(self, contact_id: str) -> dict[str, dict[str, str | None]]:
        """Return the live tasks of a contact, by id."""
        rows = json.loads(self._client.links("contacts", "tasks", [{"id": contact_id}]))["results"]
        ids = [str(each["toObjectId"]) for row in rows for each in row.get("to") or ()]
        tasks: dict[str, dict[str, str | None]] = {}
        for start in range(0, len(ids), READ_AT_ONCE):
            inputs = [{"id": id} for id in ids[start : start + READ_AT_ONCE]]
            wanted = {"inputs": inputs, "properties": ["hs_task_body", "hs_task_status"], "propertiesWithHistory": []}
            read = partial(self._client.api("objects.batch_api").read, "tasks", wanted, archived=False)
            answer = json.loads(self._client.call("POST", f"{TASKS}/batch/read", read))
            tasks |= {record["id"]: record.get("properties") or {} for record in answer["results"]}
        return tasks


def _text(target: Target, reference: str) -> str:
    risk = "" if target.churn_risk is None else f", churn risk {target.churn_risk} %"
    lines = [f"Health: {target.health_status.replace('_', ' ')}, score {target.health_score}{risk}."]
    lines += [f"• {each}" for each in target.recommended]
    return "<br>".join([*map(escape, lines), f"Reference: {reference}"])
