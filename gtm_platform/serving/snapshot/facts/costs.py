"""What each source took this month, what that costs, and the prices that it stands beside."""

from datetime import date
from typing import Any

from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.policy import policy
from gtm_platform.quality.source_costs import DAYS_A_MONTH, TABLE
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft

COUNTED = ("runs", "calls", "records", "minutes", "credits", "cost")


def make(draft: Draft) -> dict[str, Any]:
    """Return the sources by what they cost this month, and what a month comes to at this pace."""
    landing, rules = draft.landing, policy()
    first = date.fromisoformat(landing.day).replace(day=1)
    files = [file for file in landing.lake.files(TABLE.key) if str(first) <= file.partition <= landing.day]
    rows: list[tuple[Any, ...]] = []
    if files:
        query = landing.lake.file_query(TABLE.key, files)
        sums = ", ".join(f"sum({name})::double" for name in COUNTED)
        with cursor() as connection, landing.lake.naming_damage(lambda: query.files):
            rows = connection.execute(f"""
                select source, {sums}, arg_max(stored_mb, day) from ({query.sql})
                group by source order by sum(cost) desc, 1
            """).fetchall()
    sources = [dict(zip(("source", *COUNTED, "stored_mb"), row, strict=True)) for row in rows]
    month = sum(row["cost"] for row in sources)
    return {
        "since": str(first),
        "days": len(files),
        "currency": rules.money.reporting_currency,
        "sources": sources,
        "cost": month,
        "a_month": month / len(files) * float(DAYS_A_MONTH) if files else 0.0,
        "tiers": [
            {"name": tier.name, "least": float(tier.least), "most": float(tier.most), "about": tier.about}
            for tier in rules.costs.tiers
        ],
    }


FACT = Fact("costs", "What each source took this month, and what that costs beside other ways to have it.", make)
