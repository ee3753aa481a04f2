"""The columns of `health/score_changes`, apart from how they are computed: what shows them needs no source.

Parts of a change are of a cause; those of what the customer did are of a component and a fact, too.
"""

from typing import Literal

from gtm_platform.health.customer_health import AGO
from gtm_platform.lake.contracts import Column, Contract

Cause = Literal["code", "rules", "late_data", "identity"]  # that are not the customer's, in the order they are split
CAUSES: tuple[Cause, ...] = ("code", "rules", "late_data", "identity")
CUSTOMER = "customer"
UNKNOWN = "unknown"
POINTS = "decimal(9, 4)"
KEY = ("customer_id", "cause", "component", "fact")
SPANS = {days: f"points_{days}d" for days in AGO}

CONTRACT = Contract(
    {
        "customer_id": Column("string", "The customer.", nullable=False),
        "as_of": Column("date", "The day of the score.", nullable=False),
        "cause": Column(
            "string",
            "customer: what it did, or did not do. late_data: of that time, and read later. identity: records that "
            "belong to another customer since. rules: another policy. code: another version of the platform. unknown: "
            "of a day in between that was not split.",
            False,
            lambda v: v.isin((CUSTOMER, *CAUSES, UNKNOWN)),
        ),
        "component": Column("string", "Component or override that the fact belongs to; empty but for customer.", False),
        "fact": Column("string", "What changed; empty but for customer.", nullable=False),
        "points": Column(POINTS, "Its part of the change since the score that was published last.", nullable=False),
        **{
            name: Column(
                POINTS, f"Its part of the change in {days} day{'s' if days > 1 else ''}; null if no score then."
            )
            for days, name in SPANS.items()
        },
        **{f"before_{days}d": Column("string", f"The fact {days} days ago, if it is one.") for days in AGO},
        "after": Column("string", "The fact on the day."),
    },
    key=KEY,
    about="Of what each change of a score since yesterday, 7 and 30 days ago is made: what the customer did, data that "
    "came late, identity, rules, code. Counted from the scores as their own days said them; the parts add up.",
    figures={
        "customers": lambda t: t["customer_id"].nunique(where=t["points"] != 0),
        "by_customers": lambda t: t["points"].abs().sum(where=t["cause"] == CUSTOMER),
        "by_others": lambda t: t["points"].abs().sum(where=t["cause"] != CUSTOMER),
    },
)
