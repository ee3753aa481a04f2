"""What moved the score of each customer, as health/score_changes has it on the day that is shown."""

import zlib

from gtm_platform.health.movement import SHOWN
from gtm_platform.health.score_changes import TABLE as CHANGES
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.serving.snapshot.customer_rows import CUSTOMERS_A_BUCKET, FAST
from gtm_platform.serving.snapshot.documents import fields
from gtm_platform.serving.snapshot.landing import Draft

ROWS_AT_ONCE = 2_000


def fill(draft: Draft) -> None:
    """Write the parts of everybody's change, a list for each customer; customers have to be written."""
    landing = draft.landing
    query = landing.lake.query_day(CHANGES.key, landing.day)
    total = draft.db.execute("select count(*) from customers").fetchone()[0]
    buckets = max(1, -(-total // CUSTOMERS_A_BUCKET))
    with cursor() as connection, landing.lake.naming_damage(lambda: query.files):
        for bucket in range(buckets):
            connection.execute(f"""
                select customer_id, to_json(list({{{fields(SHOWN, "changes")}}}))::varchar
                from ({query.sql}) as changes where hash(customer_id) % {buckets} = {bucket} group by customer_id""")
            while rows := connection.fetchmany(ROWS_AT_ONCE):
                packed = ((customer, zlib.compress(parts.encode(), FAST)) for customer, parts in rows)
                draft.db.executemany("insert into score_changes values (?, ?)", packed)
