"""What of hot rows is news for who subscribed to changes, written into the outbox as the comparison of a day would.

The comparison of the day finds it sent already, so it is said once. A value that is made of a stale column stays as it
was last sent; a subscription that filters by one is left to the day.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from gtm_platform.delivery.gate import CUSTOMERS
from gtm_platform.delivery.hotpath.company_reach import companies_of
from gtm_platform.delivery.hotpath.computing import HotRows
from gtm_platform.delivery.hotpath.delivering import shown_rows
from gtm_platform.delivery.triggers.compare import Comparer
from gtm_platform.delivery.triggers.kinds import KINDS, SubjectKind
from gtm_platform.delivery.triggers.settings import TriggerSettings
from gtm_platform.delivery.triggers.subjects import COMPANIES, Some, Subjects, read_subjects
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.settings import settings_of
from gtm_platform.state import State
from gtm_platform.state.trigger_subscriptions import ACTIVE, Subscription, all_subscriptions

PEOPLE = "identity/people"
TABLES: Mapping[SubjectKind, str] = {"customer": CUSTOMERS, "company": COMPANIES}
OF_FILTERS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "tier": ((CUSTOMERS, "plan_tier"), (COMPANIES, "chroma_usage_tier")),
    "am": ((CUSTOMERS, "assigned_am"), (CUSTOMERS, "assigned_am_email")),
    "cohort": ((CUSTOMERS, "company_id"), (COMPANIES, "customer_cohort")),
    "min_mrr": ((CUSTOMERS, "mrr_reporting"), (COMPANIES, "chroma_cloud_mrr")),
}


def subscribed(rows: HotRows, lake: Lake, state: State) -> Subjects | None:
    """Return who is ready as subscriptions see them; None where nobody hears of them now."""
    own = settings_of(TriggerSettings)
    only = _judged(rows)
    if own.missing() or not own.trigger_send_enabled or not only:
        return None
    with state.reading() as tx:
        if not all_subscriptions(tx, [ACTIVE]):
            return None
    unknown = frozenset(kind.name for kind in KINDS.values() if _is_stale(rows, TABLES[kind.subject], kind.column))
    at = companies_of(rows.ready, lake.read_day(PEOPLE, rows.day))
    subjects = read_subjects(
        shown_rows(rows, lake).of_everybody(), rows.day, Some(rows.ready, rows.companies.ready | at)
    )
    return replace(subjects, only=only, unknown=unknown)


def _judged(rows: HotRows) -> frozenset[str]:
    """Return the customers and companies that are ready and of which the wide rows were made."""
    knows_customers = CUSTOMERS in rows.tables and not _is_stale(rows, CUSTOMERS, "customer_status")
    customers = rows.ready if knows_customers else frozenset[str]()
    return customers | (rows.companies.ready if COMPANIES in rows.companies.tables else frozenset())


def put_messages(tx: sa.Connection, rows: HotRows, subjects: Subjects, state: State, run_id: str, now: datetime) -> int:
    """Write what is news in the transaction in which customers are noted; return how many messages."""

    def filters_by_stale(subscription: Subscription) -> bool:
        return any(_is_stale(rows, *column) for name in subscription.filters for column in OF_FILTERS[name])

    return Comparer(state, policy().triggers, now).write_some(tx, subjects, run_id, filters_by_stale)


def _is_stale(rows: HotRows, table: str, column: str) -> bool:
    return any((table, column) in part.stale for part in rows.parts)
