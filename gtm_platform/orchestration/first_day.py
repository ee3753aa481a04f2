"""The first day that has partitions: GTM_FIRST_DAY, or the one of the first sync, which the home keeps.

Whoever starts today misses nothing of the years before. Read whenever the definitions are loaded: no database here.
"""

from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

from gtm_platform.lake.store import lake_root, listed_once, store_of
from gtm_platform.settings import SettingsError, settings


def first_day() -> date:
    """Return the first day that has partitions; before the first sync it is yesterday.

    Yesterday's windows are the newest that have closed.
    """
    config = settings()
    return (
        config.gtm_first_day
        or _recorded(_file(config.home))
        or _oldest_partition()
        or (config.now() - timedelta(days=1)).date()
    )


def record_first_day(day: date) -> None:
    """Keep the day in the home unless one is kept there: it never moves."""
    with suppress(FileExistsError), open(_file(settings().home), "x") as file:
        file.write(f"{day}\n")


def _file(home: Path) -> Path:
    return home / "first_day"


def _recorded(file: Path) -> date | None:
    try:
        text = file.read_text().strip()
        return date.fromisoformat(text) if text else None  # empty while another process writes it
    except FileNotFoundError:
        return None
    except ValueError:
        raise SettingsError(
            f"{file} holds no day such as 2026-01-31. Write the day of the first sync there, or remove the file."
        ) from None


def _oldest_partition() -> date | None:
    """The oldest day of the lake's files, of a home that was filled before it kept its first day, or is a new one."""
    days = []
    with listed_once():
        store = store_of(lake_root(settings().home))
        for name in (name for table in store.tables() for name in store.names(table)):
            with suppress(ValueError):
                days.append(date.fromisoformat(name[:10]))
    return min(days, default=None)
