"""Erasures that the API asks for: planned in this process, carried out in one of its own, as `gtm erase` would."""

import subprocess
import sys

from gtm_platform.serving.api.syncs import CannotLaunch
from gtm_platform.state.erasures import Erasure


class ErasureRuns:
    """What the API plans and launches."""

    def plan(self, person: str, reason: str, who: str) -> Erasure:
        """Keep a plan of erasing a person."""
        from gtm_platform.cli.erasing import erasure_context
        from gtm_platform.privacy.erasure import plan_erasure

        with erasure_context() as context:
            return plan_erasure(context, person, reason, who)

    def launch(self, plan_id: str) -> None:
        """Carry out a plan in a process of its own, which goes on when the server is ended."""
        command = [sys.executable, "-m", "gtm_platform.cli", "erase", "--plan", plan_id]
        nowhere = subprocess.DEVNULL
        try:
            subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True)
        except OSError as error:
            raise CannotLaunch(f"No process can be started ({error.strerror}).") from error
