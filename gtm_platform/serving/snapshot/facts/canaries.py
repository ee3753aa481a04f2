"""Canaries as they were when the snapshot was made: which stages saw what they did."""

from typing import Any

from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft


def make(draft: Draft) -> dict[str, Any]:
    """Return the stages; none where there are no canaries."""
    return {"as_of": draft.landing.day, "domains": [], "stages": [], "acts": [], **draft.landing.canaries}


FACT = Fact("canaries", "Synthetic customers that show that everything works, and which stage did not see them.", make)
