"""What a system offers in which actions are done: to look, to do, and to take back."""

from typing import Protocol

from gtm_platform.delivery.actions.targets import Target
from gtm_platform.policy.actions import Action


class ActionSystem(Protocol):
    """One system, for one rule.

    Doing is tried once: what became of it is looked up before it is tried again.
    """

    def find(self, target_id: str, reference: str) -> str | None:
        """Return the id of what an earlier attempt with this reference did; None where nothing is there."""

    def is_there(self, target_id: str) -> str | None:
        """Return the id of what somebody else did before, so that nothing is to be done."""

    def act(self, rule: Action, target: Target, reference: str) -> str:
        """Do it, and return the id of what was done."""

    def take_back(self, target_id: str, external_id: str) -> bool:
        """Take it back; return whether that is done: what a person went on with is left."""
