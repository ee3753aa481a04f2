"""DuckDB's extension for Postgres, from the package that the extra `postgres` installs: nothing is ever fetched."""

from importlib.util import find_spec
from pathlib import Path

import duckdb

from gtm_platform.lake.file_query import text

EXTENSION = "duckdb_extension_postgres_scanner"


class ExtensionMissing(RuntimeError):
    """The package with the extension is not installed; the message says which."""


def load_postgres(connection: duckdb.DuckDBPyConnection) -> None:
    """Load the extension into a connection."""
    spec = find_spec(EXTENSION)
    if spec is None or spec.origin is None:
        raise ExtensionMissing("DuckDB's extension for Postgres is needed: pip install 'gtm-platform[postgres]'.")
    file = next(Path(spec.origin).parent.rglob("*.duckdb_extension"))
    connection.execute(f"load {text(str(file))}")
