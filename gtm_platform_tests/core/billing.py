"""What core makes of rows of the billing systems' tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import ibis

from gtm_platform.core import revenue, subscriptions
from gtm_platform.core.billing_feeds import TABLES
from gtm_platform.policy import Policy, policy
from gtm_platform_tests.tables import DAY, Row, by, computed, filled

Stored = Mapping[str, Sequence[Row]]  # by table


def billing(rows: Stored) -> dict[str, ibis.Table]:
    """The tables of all billing systems, empty where nothing is said."""
    assert rows.keys() <= TABLES.keys(), rows.keys() - TABLES.keys()
    return {table: filled(table, *rows.get(table, [])) for table in TABLES}


def subscriptions_of(
    people: ibis.Table, links: ibis.Table, former: ibis.Table, rows: Stored, rules: Policy | None = None
) -> ibis.Table:
    """The day's core/subscriptions."""
    return computed(
        subscriptions.table,
        "core/subscriptions",
        people=people,
        links=links,
        former=former,
        billing=billing(rows),
        policy=rules or policy(),
        day=DAY,
    )


def billed_of(people: ibis.Table, links: ibis.Table, former: ibis.Table, rows: Stored) -> dict[str, dict[str, Any]]:
    """The day's core/revenue, by customer."""
    table = computed(
        revenue.table,
        "core/revenue",
        people=people,
        links=links,
        former=former,
        billing=billing(rows),
        subscriptions=subscriptions_of(people, links, former, rows),
        policy=policy(),
        day=DAY,
    )
    return by("customer_id", table)
