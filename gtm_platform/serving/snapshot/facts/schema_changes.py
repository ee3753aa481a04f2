"""Which fields of what sources send are new, vanished, or of another type than before: names and types, no values."""

from typing import Any

from gtm_platform.ingest.schema_drift import changes_by_table
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft

LISTED = 200


def make(draft: Draft) -> dict[str, Any]:
    """Return the newest changes, and how many of them are warned of."""
    landing, days = draft.landing, draft.landing.rules.sync.schema_change_days
    changes = [
        {
            "table": table,
            "field": change.field,
            "kind": change.kind,
            "type_before": change.type_before or None,
            "type_now": change.type_now or None,
            "first_seen": change.first_seen.replace("+00:00", "Z"),
            "acknowledged_at": change.acknowledged_at and change.acknowledged_at.replace("+00:00", "Z"),
            "is_open": change.is_open(landing.made_at, days),
        }
        for table, noticed in changes_by_table(landing.lake).items()
        for change in noticed
    ]
    newest = sorted(changes, key=lambda row: (row["is_open"], row["first_seen"]), reverse=True)
    return {
        "as_of": landing.day,
        "days": days,
        "open": sum(row["is_open"] for row in changes),
        "changes": newest[:LISTED],
    }


FACT = Fact("schema_changes", "New, vanished and changed fields of what sources send, the open ones first.", make)
