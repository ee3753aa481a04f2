"""`core/calls`: calls with the customer, booked and held. No source tells of calls yet: every column is null."""

import ibis

from gtm_platform.lake.contracts import Column, Contract

CONTRACT = Contract(
    {
        "customer_id": Column("string", "The customer.", nullable=False),
        "calls_booked_90d": Column("int64", "Calls booked for the last 90 days."),
        "calls_held_90d": Column("int64", "Of them, held."),
        "calls_no_show_90d": Column("int64", "Of them, missed by the customer."),
        "calls_cancelled_90d": Column("int64", "Of them, cancelled."),
        "call_show_rate": Column("float64", "Held of held and missed, 0 to 1."),
        "last_call_at": Column("timestamp('UTC', 6)", "Last call held."),
        "next_call_at": Column("timestamp('UTC', 6)", "Next call booked."),
        "last_call_summary": Column("string", "What the last call was about.", personal=True),
    },
    key=("customer_id",),
    about="Calls of each customer.",
)


def table(people: ibis.Table) -> ibis.Table:
    absent = {name: ibis.null(kind) for name, kind in CONTRACT.schema.items() if name != "customer_id"}
    return people.select("customer_id", **absent)
