"""A tag on a contact in Intercom. Tags are made when the first contact gets one of their name."""

import contextlib
import json
from functools import cached_property

from gtm_platform.delivery.actions.targets import Target
from gtm_platform.http.client import Api
from gtm_platform.http.errors import NotFound
from gtm_platform.policy.actions import Action


class IntercomTags:
    """The tag of a name, on contacts. Putting it on twice, or taking it off twice, is the same as once."""

    def __init__(self, api: Api, name: str) -> None:
        self._api, self._name = api, name

    @cached_property
    def _tag_id(self) -> str:
        """The tag's id; one of this name is made where there is none, which Intercom answers with that there is."""
        return str(json.loads(self._api.post("/tags", {"name": self._name}))["id"])

    def find(self, target_id: str, reference: str) -> str | None:  # noqa: ARG002
        """Return the tag where the contact has it: a tag holds no reference."""
        return self.is_there(target_id)

    def is_there(self, target_id: str) -> str | None:
        """Return the tag where the contact has it; names differ by more than case."""
        tags = json.loads(self._api.get(f"/contacts/{target_id}/tags"))["data"]
        return next((str(tag["id"]) for tag in tags if tag["name"].lower() == self._name.lower()), None)

    def act(self, rule: Action, target: Target, reference: str) -> str:  # noqa: ARG002
        """Put the tag on the contact."""
        return str(json.loads(self._api.post(f"/contacts/{target.target_id}/tags", {"id": self._tag_id}))["id"])

    def take_back(self, target_id: str, external_id: str) -> bool:
        """Take the tag off; a contact or a tag that is gone has it no more."""
        with contextlib.suppress(NotFound):
            self._api.delete(f"/contacts/{target_id}/tags/{external_id}")
        return True
