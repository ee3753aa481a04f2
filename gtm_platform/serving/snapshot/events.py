"""What happened with each customer, out of the sources: the newest events of the shown days, packed by customer."""

import zlib
from datetime import date

from gtm_platform.core.events import SOURCE_TABLES, TABLES, events
from gtm_platform.lake.duckdb_engine import cursor, engine
from gtm_platform.lake.file_query import text
from gtm_platform.serving.snapshot.documents import INSTANT
from gtm_platform.serving.snapshot.landing import Draft
from gtm_platform.serving.snapshot.layout import HISTORY_DAYS

EVENTS_SHOWN = 200  # of a customer, the newest
TEXT_SHOWN = 300  # characters of a subject or a summary
ROWS_AT_ONCE = 2_000


def fill(draft: Draft) -> None:
    """Write them; where no source was read there are none."""
    lake, day = draft.landing.lake, draft.landing.day
    if not any(lake.files(table) for table in SOURCE_TABLES):
        return
    tables = {table: lake.query_day(table, day) for table in TABLES}
    rows = events({name: lake.rows(query) for name, query in tables.items()}, date.fromisoformat(day), HISTORY_DAYS)
    event = f"""{{'at': strftime("at", {text(INSTANT)}), 'kind': kind, 'source': source, 'outcome': outcome,
        'amount': amount::double, 'currency': currency, 'rating': rating, 'text': left("text", {TEXT_SHOWN})}}"""
    with (
        cursor() as connection,
        lake.naming_damage(lambda: [path for query in tables.values() for path in query.files]),
    ):
        connection.execute(f"""
            select customer_id, to_json(list_reverse_sort(list({event}))[:{EVENTS_SHOWN}])::varchar
            from ({engine().compile(rows)}) group by customer_id""")
        while packed := connection.fetchmany(ROWS_AT_ONCE):
            draft.db.executemany(
                "insert into events (customer_id, body) values (?, ?)",
                ((customer, zlib.compress(body.encode(), 6)) for customer, body in packed),
            )
