"""The lake's views as a DuckDB resource, for checks and people's own assets in SQL: as of now, or on a day."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from dagster_duckdb import DuckDBResource
from pydantic import Field

from gtm_platform.lake import catalogue
from gtm_platform.lake.contracts import TABLES, contract_of
from gtm_platform.lake.encryption import equip
from gtm_platform.lake.file_query import text
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.store import lake_root
from gtm_platform.settings import settings


class CatalogueResource(DuckDBResource):
    """The views of `gtm.duckdb`, read-only, made again before a connection if the lake has changed."""

    database: str = Field(default="", description="Path of the file; default: gtm.duckdb in GTM_HOME.")

    @contextmanager
    def get_connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open `gtm.duckdb`: every partition, `current.*` and `latest.*`, what this run wrote included."""
        lake = self._lake()
        catalogue.make_ready(lake)
        with catalogue.reading(catalogue.path_of(lake)) as connection:
            yield connection

    @contextmanager
    def on(self, day: str, tables: Collection[str] | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the lake as it was on a day: `<schema>.<table>` is a daily table's partition of the day.

        A source table is as of the end of the day. What came later is not in it, so a backfill of a past day gives what
        the day itself gave. The day is `getvariable('day')`. All declared tables have a view, or those that are named.
        """
        lake = self._lake()
        settings: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        with duckdb.connect(config=settings) as connection:
            equip(connection, asks_nobody=True)
            connection.execute(f"set TimeZone = 'UTC'; set variable day = date {text(day)}")
            for table in tables if tables is not None else sorted(TABLES):
                contract_of(table)  # a sentence where it is misspelt
                schema, name = table.split("/")
                query = lake.query_day(table, day)
                with lake.naming_damage(lambda query=query: query.files):  # type: ignore[misc]
                    connection.execute(f'create schema if not exists "{schema}"')
                    connection.execute(f'create view "{schema}"."{name}" as {query.sql}')
            yield connection

    def _lake(self) -> Lake:
        home = Path(self.database).parent if self.database else settings().home
        return Lake(lake_root(home))
