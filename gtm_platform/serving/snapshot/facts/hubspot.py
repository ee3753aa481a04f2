"""What became of the fields that HubSpot was to have: how many were written on each day, how many were not, and why."""

from datetime import date, timedelta
from typing import Any

from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft

DAYS, REASONS_SHOWN = 30, 10
# What becomes of a field, by its status in the journal.
OUTCOMES = {"written": "written", "held": "held_back", "rejected": "rejected", "unknown": "unknown"}


def make(draft: Draft) -> dict[str, Any]:
    """Return the days of the last month with what became of their fields, and the reasons."""
    since = (date.fromisoformat(draft.landing.day) - timedelta(days=DAYS)).isoformat()
    days: dict[str, dict[str, int]] = {}
    counted = "select day, status, sum(fields) from hubspot_fields where day > ? group by 1, 2 order by 1"
    for day, status, fields in draft.db.execute(counted, (since,)):
        days.setdefault(day, dict.fromkeys(OUTCOMES.values(), 0))[OUTCOMES[status]] = fields
    reasons = draft.db.execute(
        """select object_type, status, reason, sum(fields) from hubspot_fields
            where day > ? and status <> 'written' group by 1, 2, 3 order by 4 desc, 1, 2, 3 limit ?""",
        (since, REASONS_SHOWN),
    ).fetchall()
    names = ("object_type", "outcome", "reason", "fields")
    return {
        "as_of": draft.landing.day,
        "days": [{"day": day, **counts} for day, counts in days.items()],
        "reasons": [dict(zip(names, (kind, OUTCOMES[status], *rest), strict=True)) for kind, status, *rest in reasons],
    }


FACT = Fact("hubspot", "What became of the fields for HubSpot on each day, and why some are not there.", make)
