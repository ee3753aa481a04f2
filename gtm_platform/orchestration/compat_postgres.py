"""Dagster's history in Postgres, by Dagster's own storage, with a pool's first use and the address mended.

Dagster inserts the row of a pool, and where another run was quicker goes on in the same transaction, which Postgres has
given up by then: of two runs that use a pool for the first time at once, one fails; and once the default limit is
changed, each one. Of the address the driver is set here, too: daemon, code server and the run of a Job read the
variable as somebody wrote it. `dagster.yaml` names `PostgresHistory`. The package is an extra, so nothing else imports
this.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from dagster._core.storage.event_log.schema import ConcurrencyLimitsTable
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage
from sqlalchemy.dialects import postgresql

from gtm_platform.orchestration.instance import DRIVER


class EventLog(PostgresEventLogStorage):
    """The events, and the pools."""

    def initialize_concurrency_limit_to_default(self, concurrency_key: str) -> bool:
        """Give a pool the limit of dagster.yaml, whoever else does so at the same moment."""
        limit = self._instance.global_op_concurrency_default_limit if self.has_instance else None
        if limit is None or not self.has_concurrency_limits_table or not self.has_default_pool_limit_col:
            return bool(super().initialize_concurrency_limit_to_default(concurrency_key))
        self._reconcile_concurrency_limits_from_slots()
        row = {"concurrency_key": concurrency_key, "limit": limit, "using_default_limit": True}
        insert = postgresql.insert(ConcurrencyLimitsTable).values(row)
        with self.index_transaction() as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["concurrency_key"], set_={"limit": limit}))
            self._allocate_concurrency_slots(connection, concurrency_key, limit)
        return True


class PostgresHistory(DagsterPostgresStorage):
    """Runs, events and ticks in the database of GTM_DAGSTER_URL."""

    def __init__(self, postgres_url: str, inst_data: ConfigurableClassData | None = None) -> None:
        address = sa.make_url(postgres_url).set(drivername=DRIVER).render_as_string(hide_password=False)
        super().__init__(address, inst_data=inst_data)
        self._event_log_storage = EventLog(address)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> "PostgresHistory":
        """Make it by its section of dagster.yaml."""
        return cls(config_value["postgres_url"], inst_data)
