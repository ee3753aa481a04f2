"""How the scores that moved were made a week before, so that it can be shown what moved them."""

from datetime import date, timedelta

from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.serving.snapshot.customer_rows import EXPLANATION
from gtm_platform.serving.snapshot.documents import document
from gtm_platform.serving.snapshot.landing import Draft, Landing
from gtm_platform.serving.snapshot.layout import SCORES

DAYS_BEFORE = 7
ROWS_AT_ONCE = 2_000


def fill(draft: Draft) -> None:
    """Write the row of health of the earlier day for everybody whose score is another one now."""
    landing = draft.landing
    earlier = earlier_day(landing)
    if earlier is None:
        return
    before, now = (landing.lake.query_day(SCORES, day) for day in (earlier, landing.day))
    with cursor() as connection, landing.lake.naming_damage(lambda: [*before.files, *now.files]):
        connection.execute(f"""
            select before.customer_id, {document(EXPLANATION, "before")}
            from ({before.sql}) as before join ({now.sql}) as now using (customer_id)
            where before.health_score is distinct from now.health_score""")
        while rows := connection.fetchmany(ROWS_AT_ONCE):
            draft.db.executemany("insert into earlier_scores values (?, ?)", rows)


def earlier_day(landing: Landing) -> str | None:
    """Return the day a week before; in a young home the oldest since then, None where there is none."""
    first = (date.fromisoformat(landing.day) - timedelta(days=DAYS_BEFORE)).isoformat()
    return next((day for day in landing.lake.partitions(SCORES) if first <= day < landing.day), None)
