"""What became of the fields that HubSpot was to have: how many were written on each day, how many were not, and why;
and how much of what is wanted is true in HubSpot.
"""

from datetime import date, timedelta
from typing import Any

from gtm_platform.delivery.hubspot.history import WORDS
from gtm_platform.delivery.hubspot.truth_table import BY
from gtm_platform.delivery.hubspot.truth_table import OUTCOMES as TRUTH_OUTCOMES
from gtm_platform.delivery.hubspot.truth_table import TABLE as TRUTH
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.lake import Lake
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft

DAYS, REASONS_SHOWN, NOT_CREATED_SHOWN = 30, 10, 100
# What becomes of a field, by its status in the journal.
OUTCOMES = {"written": "written", "held": "held_back", "rejected": "rejected", "unknown": "unknown"}

AUTHORS = {f"by_{kind}": WORDS[kind] for kind in BY}  # who changed a value of ours, by the count's name


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
        "deliveries": [
            {**row, "not_created": row["not_created"][:NOT_CREATED_SHOWN]} for row in draft.landing.hubspot_deliveries
        ],
        "objective": draft.landing.rules.hubspot.truth.objective,
        "truth": _truth(draft.landing.lake, since),
    }


def _truth(lake: Lake, since: str) -> list[dict[str, Any]]:
    """Return for each day and type of objects how much of what was wanted was true, and who changed the rest."""
    files = [file for file in lake.files(TRUTH) if file.partition > since]
    if not files:
        return []
    counts = ["wanted", *(f"{name}_values" for name in TRUTH_OUTCOMES), *(f"by_{kind}" for kind in BY)]
    sums = ", ".join(f"sum({name})::bigint as {name}" for name in counts)
    with cursor() as connection:
        rows = connection.execute(
            f"select day::varchar as day, object_type, bool_and(finished) as finished, {sums} "
            f"from ({lake.file_query(TRUTH, files).sql}) group by 1, 2 order by 1, 2"
        )
        columns = [column[0] for column in rows.description or ()]
        records = [dict(zip(columns, row, strict=True)) for row in rows.fetchall()]
    for record in records:
        true = record["true_values"] + record["healed_values"]
        record["share"] = round(true / record["wanted"], 6) if record["wanted"] else None
    return records


FACT = Fact(
    "hubspot",
    "What became of the fields for HubSpot on each day, why some are not there, and how much of all is true there.",
    make,
)
