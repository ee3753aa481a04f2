"""Every metric on every day that is shown."""

from typing import Any

from gtm_platform.serving.metrics import discover
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft


def make(draft: Draft) -> dict[str, Any]:
    """Return the days, and for each metric as many values."""
    days = draft.landing.days
    return {"days": days, "metrics": {name: [draft.value(name, day) for day in days] for name in discover()}}


FACT = Fact("trend", "Every metric on each of the days; null where it has no value.", make)
