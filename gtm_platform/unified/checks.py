"""What has to hold between the people and the wide tables."""

import ibis

from gtm_platform.lake.day_check import DayCheck


def people_not_once(people: ibis.Table, customers: ibis.Table) -> ibis.Table:
    """Return people without exactly one row in the wide table, and rows of nobody."""
    wide = customers.group_by("customer_id").agg(rows=customers.count())
    both = people.select("customer_id").outer_join(wide, "customer_id")
    wrong = both.filter(both["customer_id"].isnull() | (both["rows"].fill_null(0) != 1))
    return wrong.select(
        customer_id=ibis.coalesce(wrong["customer_id"], wrong["customer_id_right"]), rows=wrong["rows"].fill_null(0)
    )


CHECKS = (
    DayCheck(
        "core/unified_customers",
        "one_row_for_every_person",
        "Everybody in identity/people has exactly one row, and nobody else has.",
        inputs={"people": "identity/people", "customers": "core/unified_customers"},
        rule=people_not_once,
    ),
)
