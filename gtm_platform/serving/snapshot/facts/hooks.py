"""Webhooks as they were when the snapshot was made: on or off, what came of them, what is wrong."""

from typing import Any

from gtm_platform.ingest.hooks.hook import public_url
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft


def make(draft: Draft) -> dict[str, Any]:
    """Return every webhook."""
    return {"as_of": draft.landing.day, "address": public_url(), "hooks": list(draft.landing.hooks)}


FACT = Fact("hooks", "Webhooks: which are on, what came of them in 14 days, what is wrong with one.", make)
