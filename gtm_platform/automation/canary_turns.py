"""Which stages did not see in their time what canaries did, and which see it again."""

import json
from contextlib import closing
from datetime import datetime
from typing import Any

from gtm_platform.delivery.alerts.kinds.canary_late import CanaryTurn
from gtm_platform.delivery.canaries.asset import watch
from gtm_platform.delivery.canaries.stages import failing
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import settings
from gtm_platform.state import open_state

LOOK_SECONDS = 60  # files are looked into; it is not worth it more often


def read_canary_turns(lake: Lake, cursor: str | None, now: datetime) -> tuple[list[CanaryTurn], str]:
    """Return which stages turned since the cursor, and the next one; the first look tells what fails now."""
    memory: dict[str, Any] = json.loads(cursor) if cursor else {"at": 0.0, "failing": []}
    if 0 <= now.timestamp() - memory["at"] < LOOK_SECONDS:
        return [], json.dumps(memory)
    with closing(open_state(settings().state_url)) as state:
        late = failing(watch(lake, state, now))
    at = now.isoformat(timespec="minutes")
    turns = [CanaryTurn(stage, True, each.about, at) for stage, each in late.items() if stage not in memory["failing"]]
    turns += [
        CanaryTurn(stage, False, "What canaries did is seen in time again.", at)
        for stage in memory["failing"]
        if stage not in late
    ]
    return turns, json.dumps({"at": now.timestamp(), "failing": sorted(late)})
