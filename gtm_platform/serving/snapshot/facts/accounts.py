"""Which accounts the data are of, for links into the systems."""

from typing import Any

from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft


def make(draft: Draft) -> dict[str, Any]:
    """Return the accounts that the home belongs to, by system."""
    return {row["system"]: {"account_id": row["account_id"], "label": row["label"]} for row in draft.landing.accounts}


FACT = Fact("accounts", "The account of each system that the home belongs to.", make)
