"""Opening `gtm.duckdb`, as tools from outside do: nothing else of the lake is needed for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb


class NoCatalogue(RuntimeError):
    """What lies under its name cannot be read; the message names the file and says what to do."""


@contextmanager
def reading(target: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The catalogue, read-only. What is none is refused, and nothing is fetched from the net that could open it."""
    fetch_nothing: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    try:
        connection = duckdb.connect(str(target), read_only=True, config=fetch_nothing)
    except duckdb.Error as error:
        raise NoCatalogue(
            f"{target} is not the catalogue that it should be ({str(error).splitlines()[0][:120]}). "
            f"It holds no data of its own and is made again at the end of the next run."
        ) from error
    with connection:
        yield connection
