"""Who is sent which changes, and what became of the messages when the snapshot was made."""

from typing import Any

from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft


def make(draft: Draft) -> dict[str, Any]:
    """Return the subscriptions as the state had them."""
    return {"as_of": draft.landing.day, "subscriptions": list(draft.landing.triggers)}


FACT = Fact("triggers", "The subscriptions to changes, with what became of their messages.", make)
