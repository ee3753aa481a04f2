"""What of hot rows is news for who subscribed to changes, written into the outbox as the comparison of a day would.

The comparison of the day finds it sent already, so it is said once. A value that is made of a stale column stays as it
was last sent; a subscription that filters by one is left to the day.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from gtm_platform.delivery.gate import CUSTOMERS
from gtm_platform.delivery.hotpath.computing import HotRows
from gtm_platform.delivery.hotpath.delivering import shown_rows
from gtm_platform.delivery.triggers.compare import Comparer
from gtm_platform.delivery.triggers.kinds import KINDS
from gtm_platform.delivery.triggers.settings import TriggerSettings
from gtm_platform.delivery.triggers.subjects import Subjects, read_subjects
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.settings import settings_of
from gtm_platform.state import State
from gtm_platform.state.trigger_subscriptions import ACTIVE, Subscription, all_subscriptions

OF_FILTERS: Mapping[str, tuple[str, ...]] = {
    "tier": ("plan_tier",),
    "am": ("assigned_am", "assigned_am_email"),
    "cohort": ("company_id",),
    "min_mrr": ("mrr_reporting",),
}


def subscribed(rows: HotRows, lake: Lake, state: State) -> Subjects | None:
    """Return the customers that are ready as subscriptions see them; None where nobody hears of them now."""
    own = settings_of(TriggerSettings)
    is_off = bool(own.missing()) or not own.trigger_send_enabled
    if is_off or CUSTOMERS not in rows.tables or _is_stale(rows, "customer_status"):
        return None
    with state.reading() as tx:
        if not all_subscriptions(tx, [ACTIVE]):
            return None
    unknown = frozenset(
        kind.name for kind in KINDS.values() if kind.subject == "customer" and _is_stale(rows, kind.column)
    )
    subjects = read_subjects(shown_rows(rows, lake), rows.day)
    return replace(subjects, only=rows.ready, unknown=unknown)


def put_messages(tx: sa.Connection, rows: HotRows, subjects: Subjects, state: State, run_id: str, now: datetime) -> int:
    """Write what is news in the transaction in which customers are noted; return how many messages."""

    def filters_by_stale(subscription: Subscription) -> bool:
        return any(_is_stale(rows, column) for name in subscription.filters for column in OF_FILTERS[name])

    return Comparer(state, policy().triggers, now).write_some(tx, subjects, run_id, filters_by_stale)


def _is_stale(rows: HotRows, column: str) -> bool:
    return (CUSTOMERS, column) in rows.stale
