"""Whose values in HubSpot are newer than the tables of a day: the delivery of the day leaves them as they are.

The tables are made of what the lake had read; the hot path may have read more, of an open window, and delivered it.
"""

from gtm_platform.delivery.hotpath.reading import is_taken_over, own_folder
from gtm_platform.delivery.hotpath.switch import off
from gtm_platform.lake.lake import Lake
from gtm_platform.state import State
from gtm_platform.state.hot_path import HotCustomer, TablesMade, hot_customers, tables_made


def newer_than_tables(lake: Lake, day: str, state: State) -> frozenset[str]:
    """Return the customers of whom the hot path delivered what the tables of the day do not know."""
    with state.reading() as tx:
        delivered, made = hot_customers(tx, day), tables_made(tx, day)
    if not delivered or off(state):
        return frozenset()
    return frozenset(each.customer_id for each in delivered if not knows(lake, each, made))


def knows(lake: Lake, delivered: HotCustomer, made: TablesMade | None) -> bool:
    """Whether the tables know all that a customer's hot rows were made of."""
    if made is None or delivered.until > made.read_by:
        return False
    tables = [folder.relative_to(own_folder()).as_posix() for folder in own_folder().glob("*/*") if folder.is_dir()]
    return all(is_taken_over(lake, table, delivered.until, made.read_by) for table in tables)
