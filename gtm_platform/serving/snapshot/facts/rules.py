"""The business rules that explain a score: what each component weighs, and where each status begins."""

from typing import Any

from gtm_platform.health.customer_health import OVERRIDES
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft


def make(draft: Draft) -> dict[str, Any]:
    """Return the rules of the health score in force, with the hash that score rows carry."""
    rules = draft.landing.rules
    return {
        "policy_hash": rules.hash,
        "weights": rules.health.weights.model_dump(),
        "statuses": rules.health.status.model_dump(),
        "overrides": OVERRIDES,
    }


FACT = Fact("rules", "Weights of the components, lowest score of each status, and what overrides mean.", make)
