"""`gtm undo`: the run that a short id means, and the taking back of what it wrote.

How writes are taken back, and what is left alone, stands in `delivery.hubspot.undo`.
"""

from contextlib import closing

from gtm_platform.delivery.hubspot.undo import undo_run
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform.state.hubspot_journal import runs_beginning_with

SHOWN = 5  # runs that a refusal lists


def undo_writes(run_id: str) -> str:
    """Take back what a run wrote to HubSpot, and say what was done."""
    return undo_run(full_run_id(run_id))


def full_run_id(run_id: str) -> str:
    """Return the one run with writes in HubSpot whose id begins so."""
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        runs = runs_beginning_with(tx, run_id)
    if run_id in runs or len(runs) == 1:
        return run_id if run_id in runs else runs[0]
    if not runs:
        raise LookupError(
            f"No run that wrote to HubSpot begins with {run_id!r}. The UI shows a run's id in the list of runs; "
            "only runs of delivery/hubspot_contacts write."
        )
    listed = ", ".join(runs[:SHOWN]) + (", …" if len(runs) > SHOWN else "")
    raise LookupError(f"{len(runs)} runs that wrote to HubSpot begin with {run_id!r}: {listed}. Give more of the id.")
