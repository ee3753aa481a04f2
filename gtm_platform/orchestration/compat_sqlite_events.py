"""Dagster's events in SQLite: read and stored with fewer statements than by Dagster, with the same outcome.

`test_compat_sqlite.py` compares each of them with Dagster's own.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.event_log.schema import (
    AssetEventTagsTable,
    AssetKeyTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData, deserialize_value

from gtm_platform.orchestration.sqlite_engines import close_files, engine_of

RECORDS = 512  # newest materialisations that are kept: that of each asset, read for each that depends on it
MADE = {
    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.ASSET_OBSERVATION,
}
BATCHED = {*MADE, dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED}

_events, _tags = SqlEventLogStorageTable.c, AssetEventTagsTable.c
_newest = (
    sa.select(_events.partition, sa.func.max(_events.id).label("id"))
    .where(
        _events.asset_key == sa.bindparam("asset"),
        _events.dagster_event_type == sa.bindparam("type"),
        _events.partition.in_(sa.bindparam("partitions", expanding=True)),
    )
    .group_by(_events.partition)
    .subquery()
)
LATEST_TAGS = (
    sa.select(_newest.c.partition, _tags.key, _tags.value)
    .join_from(_newest, AssetEventTagsTable, _tags.event_id == _newest.c.id)
    .where(_tags.key.in_(sa.bindparam("keys", expanding=True)))
)
DETAILS = sa.select(AssetKeyTable.c.asset_details).where(AssetKeyTable.c.asset_key == sa.bindparam("asset"))


class EventLog(SqliteEventLogStorage):
    """Events of runs, each run in a file of its own, and of assets and checks in one more."""

    home: str  # the folder of all files, not only of the events

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._present: set[str] = set()  # parts of the schema that were seen: they stay
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._db_lock:
            engine = engine_of(self.conn_string_for_shard(shard))
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def dispose(self) -> None:
        """Close the files, those of runs and schedules too: an instance that ends says so to this storage last."""
        super().dispose()
        close_files(self.home)

    def has_table(self, table_name: str) -> bool:
        """Whether the schema has a table."""
        return self._is_present(f"table {table_name}", lambda: super(EventLog, self).has_table(table_name))

    def has_secondary_index(self, name: str) -> bool:
        """Whether a migration of Dagster has been made."""
        return self._is_present(f"index {name}", lambda: super(EventLog, self).has_secondary_index(name))

    def has_asset_key_col(self, column_name: str) -> bool:
        """Whether the table of assets has a column."""
        return self._is_present(f"column {column_name}", lambda: super(EventLog, self).has_asset_key_col(column_name))

    def _has_asset_key_col_on_connection(self, conn: sa.Connection, column_name: str) -> bool:
        look = super()._has_asset_key_col_on_connection
        return self._is_present(f"column {column_name}", lambda: look(conn, column_name))

    def _is_present(self, part: str, look: Callable[[], bool]) -> bool:
        if part not in self._present and look():
            self._present.add(part)
        return part in self._present

    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        """Store events of one run, such as what a step made of many partitions, with a transaction for each file."""
        if len({event.run_id for event in events}) != 1 or {event.dagster_event_type for event in events} - BATCHED:
            super().store_event_batch(events)
            return
        rows = [self._event_to_row(event) for event in events]
        insert = SqlEventLogStorageTable.insert()
        with self.run_connection(events[0].run_id) as connection:
            connection.execute(insert, rows)
        with self.index_transaction() as connection:
            ids = [connection.execute(insert, row).lastrowid for row in rows]
            of_assets = [(event, id) for event, id in zip(events, ids, strict=True) if event.dagster_event_type in MADE]
            if of_assets:
                self._store_asset_event_tags(connection, *map(list, zip(*of_assets, strict=True)))
            newest = {(_asset_of(event), event.dagster_event_type): (event, id) for event, id in of_assets}
            for event, id in newest.values():
                self._store_asset_event(connection, event, id)
        for event, id in zip(events, ids, strict=True):
            if event.dagster_event_type not in MADE:
                self.store_asset_check_event(event, id)

    def _store_asset_event(self, conn: sa.Connection, event: dg.EventLogEntry, event_id: int) -> None:
        """Note an event as the newest of its asset; Dagster tries an insert first, which fails but for new assets."""
        key = _asset_of(event)
        values = self._get_asset_entry_values(event, event_id, self._has_asset_key_index_cols_on_connection(conn))
        if key is None or not values:
            return
        asset = key.to_string()
        if not conn.execute(AssetKeyTable.update().values(**values).where(AssetKeyTable.c.asset_key == asset)).rowcount:
            conn.execute(AssetKeyTable.insert().values(asset_key=asset, **values))

    def get_latest_tags_by_partition(
        self,
        asset_key: dg.AssetKey,
        event_type: dg.DagsterEventType,
        tag_keys: Sequence[str],
        asset_partitions: Sequence[str] | None = None,
        before_cursor: int | None = None,
        after_cursor: int | None = None,
    ) -> Mapping[str, Mapping[str, str]]:
        """Return tags of the newest event of each partition: the versions of what a step reads."""
        asset = asset_key.to_string()
        with self.index_connection() as connection:
            is_plain = asset_partitions is not None and before_cursor is None and after_cursor is None
            # Of an asset that was wiped only what came after counts.
            if is_plain and not connection.execute(DETAILS, {"asset": asset}).scalar():
                values = {
                    "asset": asset,
                    "type": event_type.value,
                    "partitions": list(asset_partitions or ()),
                    "keys": list(tag_keys),
                }
                tags: dict[str, dict[str, str]] = {}
                for partition, key, value in connection.execute(LATEST_TAGS, values):
                    tags.setdefault(partition, {})[key] = value
                return tags
        return super().get_latest_tags_by_partition(
            asset_key, event_type, tag_keys, asset_partitions, before_cursor, after_cursor
        )

    def _get_latest_materialization_records(self, raw_asset_rows: Sequence[Any]) -> Mapping[dg.AssetKey, Any]:
        records: dict[dg.AssetKey | None, Any] = {}
        unreadable = []
        for row in raw_asset_rows:
            # Of an asset that was wiped only what came after counts.
            record = None if row["asset_details"] else _deserialized(row["last_materialization"] or "null")
            if isinstance(record, dg.EventLogRecord):
                records[dg.AssetKey.from_db_string(row["asset_key"])] = record
            else:
                unreadable.append(row)
        rest = super()._get_latest_materialization_records(unreadable) if unreadable else {}
        return {**{key: record for key, record in records.items() if key}, **rest}


def _asset_of(event: dg.EventLogEntry) -> dg.AssetKey | None:
    return event.dagster_event.asset_key if event.dagster_event else None


@lru_cache(maxsize=RECORDS)
def _deserialized(text: str) -> object:
    """Records are never changed, so whoever asks may have the same."""
    return deserialize_value(text)
