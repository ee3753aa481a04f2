"""What the checks of the graph said last."""

from typing import Any

from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft


def make(draft: Draft) -> dict[str, Any]:
    """Return the last verdict of each check, those that failed first, and how many passed."""
    checks = draft.landing.checks
    passed = sum(row["status"] == "passed" for row in checks)
    return {"total": len(checks), "passed": passed, "checks": list(checks)}


FACT = Fact("checks", "The last verdict of each check when the snapshot was made.", make)
