"""On which days scores began to be made by other business rules."""

from itertools import pairwise
from typing import Any

from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft
from gtm_platform.serving.snapshot.layout import SCORES


def make(draft: Draft) -> list[dict[str, Any]]:
    """Return the days whose rules are others than those of the shown day before."""
    landing = draft.landing
    shown = set(landing.days)
    files = [file for file in landing.lake.files(SCORES) if file.partition in shown]
    query = landing.lake.file_query(SCORES, files)
    with cursor() as connection, landing.lake.naming_damage(lambda: query.files):
        rows = connection.execute(
            f"select as_of::varchar, min(policy_hash) from ({query.sql}) group by 1 order by 1"
        ).fetchall()
    return [
        {"day": day, "policy_hash": rules, "before": before}
        for (_, before), (day, rules) in pairwise(rows)
        if rules != before
    ]


FACT = Fact("rule_changes", "The days from which on scores were made by other business rules.", make)
