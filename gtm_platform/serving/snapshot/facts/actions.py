"""Actions for customers at risk as they were when the snapshot was made, in counts."""

from typing import Any

from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft


def make(draft: Draft) -> dict[str, Any]:
    """Return every action of the policy."""
    return {"as_of": draft.landing.day, "actions": list(draft.landing.actions)}


FACT = Fact("actions", "What the platform does by itself for customers at risk in other systems, in counts.", make)
