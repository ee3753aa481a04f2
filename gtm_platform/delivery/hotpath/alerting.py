"""What of hot rows is an alert by a customer's or a company's own row: journaled as those of the day are, so once.

The sensor `send_waiting_alerts` posts it. Who is no current customer by the tables of the day is left to them, and so
is what a company may buy.
"""

from collections.abc import Sequence

from gtm_platform.delivery.alerts.customer_alerts import due_of_some, due_of_transitions
from gtm_platform.delivery.alerts.settings import SlackSettings
from gtm_platform.delivery.alerts.slack_client import CUSTOMER_CHANNEL, off_reason
from gtm_platform.delivery.gate import CUSTOMERS
from gtm_platform.delivery.hotpath.computing import HotRows
from gtm_platform.delivery.hotpath.delivering import shown_rows
from gtm_platform.delivery.hotpath.hot_tables import TRANSITIONS
from gtm_platform.intelligence.effect.shown_lake import shown
from gtm_platform.lake.changed_records import ids_of
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.some_customers import CUSTOMER
from gtm_platform.settings import settings_of
from gtm_platform.state import State
from gtm_platform.state.slack_journal import Fact


def alerts_of(rows: HotRows, lake: Lake, state: State) -> Sequence[Fact]:
    """Return what is due of the customers that are ready; nothing where Slack is off."""
    stale = frozenset(column for table, column in rows.stale if table == CUSTOMERS)
    if off_reason(settings_of(SlackSettings), CUSTOMER_CHANNEL) is not None:
        return []
    moved = _of_companies(rows, lake)
    if CUSTOMERS not in rows.tables or "is_customer" in stale:
        return moved
    by_tables = lake.partition(CUSTOMERS, rows.day)
    ready = by_tables.filter(by_tables["is_customer"] & by_tables[CUSTOMER].isin(sorted(rows.ready)))
    current = ids_of(ready.select(CUSTOMER))
    if not current:
        return moved
    return [*moved, *due_of_some(shown_rows(rows, lake), shown(lake), state, rows.day, current, stale)]


def _of_companies(rows: HotRows, lake: Lake) -> list[Fact]:
    """Return what is due of companies whose cohort changed today; nothing where that is made of a stale column."""
    part = rows.companies
    if TRANSITIONS not in part.tables or any(table == TRANSITIONS for table, _ in part.stale):
        return []
    return due_of_transitions(shown_rows(rows, lake), shown(lake), rows.day, part.ready)
