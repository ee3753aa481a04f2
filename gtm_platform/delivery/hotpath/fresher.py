"""Whose values in HubSpot are newer than the tables of a day: the delivery of the day leaves them as they are.

The tables are made of what the lake had read; the hot path may have read more, of an open window, and delivered it.
"""

from collections.abc import Sequence

from gtm_platform.delivery.gate import CUSTOMERS, HEALTH
from gtm_platform.delivery.hotpath.reading import is_taken_over, own_folder
from gtm_platform.delivery.hotpath.switch import off
from gtm_platform.lake.lake import Lake
from gtm_platform.state import State
from gtm_platform.state.hot_path import HotCustomer, hot_customers

FIRST_MADE = "identity/links"  # everything that is delivered of customers is made after it, of what was read by then


def made_by(lake: Lake, day: str, tables: Sequence[str] = (FIRST_MADE, CUSTOMERS, HEALTH)) -> str:
    """Return the stamp by which all that tables of a day are made of had been read; "" where one is missing."""
    stamps = [[file.stamp for file in lake.files(table) if file.partition == day] for table in tables]
    return min(stamp for of_table in stamps for stamp in of_table) if all(stamps) else ""


def newer_than_tables(lake: Lake, day: str, state: State) -> frozenset[str]:
    """Return the customers of whom the hot path delivered what the tables of the day do not know."""
    with state.reading() as tx:
        delivered = hot_customers(tx, day)
    if not delivered or off(state):
        return frozenset()
    made = made_by(lake, day)
    return frozenset(each.customer_id for each in delivered if not knows(lake, each, made))


def knows(lake: Lake, delivered: HotCustomer, made: str) -> bool:
    """Whether tables that were made of what was read by a stamp know all that a customer's hot rows were made of."""
    if delivered.until > made:
        return False
    tables = [folder.relative_to(own_folder()).as_posix() for folder in own_folder().glob("*/*") if folder.is_dir()]
    return all(is_taken_over(lake, table, delivered.until, made) for table in tables)
