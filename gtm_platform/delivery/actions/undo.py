"""Taking back what a run did for customers in other systems."""

from contextlib import closing

from gtm_platform.delivery.actions.perform import take_back
from gtm_platform.delivery.actions.system import ActionSystem
from gtm_platform.delivery.actions.systems import is_enabled, open_systems
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform.state.actions import Deed, deeds_of_run


def undo_actions(run_id: str) -> str:
    """Take back the actions of a run, by its id or the beginning of it.

    Returns what became of them, "" where there are none.
    """
    with closing(open_state(settings().state_url)) as state:
        with state.reading() as tx:
            deeds = deeds_of_run(tx, run_id)
        enabled = [deed for deed in deeds if is_enabled(deed.does)]
        with open_systems() as systems:

            def system_of(deed: Deed) -> ActionSystem:
                return systems.of(deed.does, "")

            stays = take_back(enabled, system_of, state, settings().now())
    if not deeds:
        return ""
    counts = f"Actions: {len(enabled) - len(stays)} taken back, {len(stays)} stay"
    off = len(deeds) - len(enabled)
    dry = f"; {off} more are of systems that may not be written to (…_WRITE_ENABLED)" if off else ""
    return "\n".join([f"{counts}{dry}.", *stays])
