"""Erasures that are planned and carried out on request. How that is done is not the API's: `gtm serve` hands it in."""

from typing import Protocol

from gtm_platform.state.erasures import Erasure


class Erasures(Protocol):
    """What plans erasures, and carries them out."""

    def plan(self, person: str, reason: str, who: str) -> Erasure:
        """Find a person everywhere, and keep a plan; Nobody where nothing names whoever is meant."""

    def launch(self, plan_id: str) -> None:
        """Carry out a plan, or finish it, in a process of its own; CannotLaunch where none can be started."""
