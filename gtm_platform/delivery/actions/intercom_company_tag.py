"""A tag on a company in Intercom. Tags are made when the first company gets one of their name."""

import json

from gtm_platform.delivery.actions.targets import Target
from gtm_platform.http.client import Api
from gtm_platform.http.errors import NotFound
from gtm_platform.policy.actions import Action


class IntercomCompanyTags:
    """The tag of a name, on companies. Putting it on twice, or taking it off twice, is the same as once."""

    def __init__(self, api: Api, name: str) -> None:
        self._api, self._name = api, name

    def find(self, target_id: str, reference: str) -> str | None:  # noqa: ARG002
        """Return the tag where the company has it: a tag holds no reference."""
        return self.is_there(target_id)

    def is_there(self, target_id: str) -> str | None:
        """Return the tag where the company has it; names differ by more than case."""
        tags = json.loads(self._api.get(f"/companies/{target_id}"))["tags"]["tags"]
        return next((str(tag["id"]) for tag in tags if tag["name"].lower() == self._name.lower()), None)

    def act(self, rule: Action, target: Target, reference: str) -> str:  # noqa: ARG002
        """Put the tag on the company."""
        wish = {"name": self._name, "companies": [{"id": target.target_id}]}
        return str(json.loads(self._api.post("/tags", wish))["id"])

    def take_back(self, target_id: str, external_id: str) -> bool:
        """Take the tag off, whatever it is called by now; a company or a tag that is gone has it no more."""
        try:
            name = json.loads(self._api.get(f"/tags/{external_id}"))["name"]
            self._api.get(f"/companies/{target_id}")
        except NotFound:
            return True
        self._api.post("/tags", {"name": name, "companies": [{"id": target_id, "untag": True}]})
        return True
