"""Whose values in HubSpot are newer than the tables of a day: the delivery of the day leaves them as they are.

Ids of customers and companies are never the same.

The tables are made of what the lake had read; the hot path may have read more, of an open window, and delivered it.
"""

from gtm_platform.delivery.hotpath.reading import is_taken_over, own_folder
from gtm_platform.delivery.hotpath.switch import off
from gtm_platform.lake.lake import Lake
from gtm_platform.state import State
from gtm_platform.state.hot_path import SUBJECTS, HotRecord, TablesMade, hot_records, tables_made


def newer_than_tables(lake: Lake, day: str, state: State) -> frozenset[str]:
    """Return the customers and companies of which was delivered what the day's tables do not know."""
    with state.reading() as tx:
        kinds = [(hot_records(tx, day, subject), tables_made(tx, day, subject)) for subject in SUBJECTS]
    if not any(delivered for delivered, _ in kinds) or off(state):
        return frozenset()
    return frozenset(each.id for delivered, made in kinds for each in delivered if not knows(lake, each, made))


def knows(lake: Lake, delivered: HotRecord, made: TablesMade | None) -> bool:
    """Whether the tables know all that hot rows of a customer or company were made of."""
    if made is None or delivered.until > made.read_by:
        return False
    tables = [folder.relative_to(own_folder()).as_posix() for folder in own_folder().glob("*/*") if folder.is_dir()]
    return all(is_taken_over(lake, table, delivered.until, made.read_by) for table in tables)
