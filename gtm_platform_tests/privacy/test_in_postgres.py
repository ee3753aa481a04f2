"""The state in a real Postgres is erased from as SQLite is; skipped where no Postgres is installed."""

from contextlib import closing

import sqlalchemy as sa

from gtm_platform.privacy.databases import erase_from_database, hits_of_database
from gtm_platform.privacy.needles import Needles
from gtm_platform.privacy.person import Person
from gtm_platform.state import open_state, schema
from gtm_platform_tests.orchestration.test_postgres import server
from gtm_platform_tests.privacy.small_home import COLLEAGUE, CUSTOMER, JANE, JANES_NAME, JANES_PHONE, fill_state

__all__ = ["server"]
PERSON = Person((CUSTOMER,), (("hubspot/contacts", "501"),), (JANE,), (JANES_PHONE,), (JANES_NAME,))


def test_no_row_of_her_is_left_there(server: str) -> None:
    url, needles = server.replace("postgresql", "postgresql+psycopg"), Needles(PERSON)
    fill_state(url)
    with closing(open_state(url)) as state:
        assert {table.name for table, _ in hits_of_database(state.engine, needles)} >= {"hubspot_writes", "audit"}
        erase_from_database(state.engine, needles, lambda _: None)
        assert list(hits_of_database(state.engine, needles)) == []
        with state.reading() as tx:
            assert tx.scalars(sa.select(schema.hubspot_writes.c.object_id)).all() == ["502"]
            assert tx.scalars(sa.select(schema.slack_messages.c.subject_id)).all() == [COLLEAGUE]
            for table in schema.metadata.sorted_tables:
                shown = [sa.cast(column, sa.Text) for column in table.columns]
                texts = [repr(row).lower() for row in tx.execute(sa.select(*shown))]
                assert not any(JANE in text or JANES_NAME.lower() in text for text in texts), table.name
