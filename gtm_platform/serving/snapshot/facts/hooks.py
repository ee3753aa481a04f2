"""Webhooks as they were when the snapshot was made: on or off, what came of them, what is wrong."""

from typing import Any

from gtm_platform.ingest.hooks.hook import public_url
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft


def make(draft: Draft) -> dict[str, Any]:
    """Return every webhook, and the hot path."""
    landing = draft.landing
    return {
        "as_of": landing.day,
        "address": public_url(),
        "hooks": list(landing.hooks),
        "hot_path": landing.hot_path,
    }


FACT = Fact("hooks", "Webhooks: which are on, what came of them in 14 days, and how the hot path stands.", make)
