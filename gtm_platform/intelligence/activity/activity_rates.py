"""`intelligence/activity_rates`: how often outcomes were good with an activity before them, and without it.

It is association, and no effect: whoever is about to buy meets us, and whoever is angry writes. Rates have intervals by
Wilson, differences by Newcombe; those of differences are wider, as several activities are looked at together. Only
what all outcomes come to is judged: of many account managers and stages, some differ by chance.
"""

import ibis

from gtm_platform.intelligence.activity.activity_outcomes import OUTCOMES
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.rates import difference_columns, rate_columns
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

ALL, MANAGER, STAGE = GROUPINGS = ("all", "account_manager", "stage")
MORE, LESS, UNCLEAR, TOO_FEW, NOT_JUDGED = VERDICTS = (
    "more often",
    "less often",
    "no clear difference",
    "too little data",
    "not judged",
)
ACTIVITIES = {
    "met": "a meeting took place",
    "missed": "of those with a meeting, the customer missed one",
    "recorded": "a call was recorded",
    "wrote": "the customer wrote an e-mail or a message",
    "reached_out": "we began a conversation",
    "called": "the CRM's log has a call in which somebody was reached",
    "mailed": "the CRM's log has an e-mail of ours",
    "answered_quickly": "of those who wrote, most were answered quickly",
}
SIDES = ("with", "without")


def _share(about: str) -> Column:
    return Column("float64", about, rule=lambda share: share.between(0, 1))


CONTRACT = Contract(
    {
        "outcome": Column("string", ", ".join(OUTCOMES) + ".", nullable=False, rule=lambda v: v.isin(OUTCOMES)),
        "activity": Column(
            "string",
            "; ".join(f"{name}: {about}" for name, about in ACTIVITIES.items()) + ".",
            nullable=False,
            rule=lambda v: v.isin([*ACTIVITIES]),
        ),
        "split": Column("string", ", ".join(GROUPINGS) + ".", nullable=False, rule=lambda v: v.isin(GROUPINGS)),
        "member": Column("string", "The account manager or the stage; empty for all and for none.", nullable=False),
        **{
            f"{name}_{side}": Column("int64", f"{about} {side} the activity.", nullable=False)
            for side in SIDES
            for name, about in (("outcomes", "Outcomes"), ("good", "Good ones"))
        },
        **{
            f"rate_{side}{end}": _share(f"Share of good outcomes {side} the activity{which}.")
            for side in SIDES
            for end, which in (("", ""), ("_low", ", lower end"), ("_high", ", upper end"))
        },
        "difference": Column("float64", "rate_with − rate_without."),
        "difference_low": Column("float64", "Lower end of its interval."),
        "difference_high": Column("float64", "Upper end of its interval."),
        "verdict": Column(
            "string",
            f"Good outcomes come {MORE} or {LESS} with the activity, {UNCLEAR}, {TOO_FEW}; {NOT_JUDGED} of members.",
            nullable=False,
            rule=lambda v: v.isin(VERDICTS),
        ),
    },
    key=("outcome", "activity", "split", "member"),
    about="How often outcomes were good with and without an activity in the days before; association, and no effect.",
    figures={
        "outcomes": lambda t: (t["outcomes_with"] + t["outcomes_without"]).max(where=t["split"] == ALL),
        "clear_differences": lambda t: t["verdict"].isin((MORE, LESS)).sum(),
    },
)


def table(outcomes: ibis.Table, policy: Policy) -> ibis.Table:
    """Return a row per outcome, activity and member that has any outcome."""
    rules = policy.activity
    parts = [_of_activity(outcomes, name) for name in ACTIVITIES]
    marked = ibis.union(*parts).view()
    members = {ALL: ibis.literal(""), MANAGER: marked["account_manager"], STAGE: marked["stage"]}
    each = ibis.array(
        [ibis.struct({"split": by, "member": member.cast("string").fill_null("")}) for by, member in members.items()]
    )
    rows = marked.select("outcome", "activity", "is_good", "done", each=each.unnest())
    rows = rows.mutate(split=rows["each"]["split"], member=rows["each"]["member"])
    counts = {}
    for side, where in zip(SIDES, (rows["done"], ~rows["done"]), strict=True):
        counts[f"outcomes_{side}"] = rows.count(where=where)
        counts[f"good_{side}"] = rows.count(where=where & rows["is_good"])
    sums = rows.group_by("outcome", "activity", "split", "member").agg(**counts)
    judged = 1 - (1 - rules.interval) / len(ACTIVITIES)
    pairs = [(sums[f"good_{side}"], sums[f"outcomes_{side}"]) for side in SIDES]
    for side, (good, count) in zip(SIDES, pairs, strict=True):
        sums = sums.mutate(**rate_columns(f"rate_{side}", good, count, rules.interval))
    sums = sums.mutate(**difference_columns("difference", pairs[0], pairs[1], judged))
    few = (sums["outcomes_with"] < rules.least_outcomes) | (sums["outcomes_without"] < rules.least_outcomes)
    return sums.mutate(
        verdict=ibis.cases(
            (sums["split"] != ALL, NOT_JUDGED),
            (few, TOO_FEW),
            (sums["difference_low"] > 0, MORE),
            (sums["difference_high"] < 0, LESS),
            else_=UNCLEAR,
        )
    )


def _of_activity(rows: ibis.Table, name: str) -> ibis.Table:
    """Return the outcomes that an activity is looked at of, and whether it was done."""
    meetings = rows["meetings_held"] + rows["meetings_missed"]
    written = rows["emails"] + rows["messages"]
    everybody = ibis.literal(True)
    of, done = {
        "met": (everybody, rows["meetings_held"] > 0),
        "missed": (meetings > 0, rows["meetings_missed"] > 0),
        "recorded": (everybody, rows["calls_recorded"] > 0),
        "wrote": (everybody, written > 0),
        "reached_out": (everybody, rows["outreach"] > 0),
        "called": (everybody, rows["calls_logged"] > 0),
        "mailed": (everybody, rows["emails_sent"] > 0),
        "answered_quickly": (written > 0, rows["quick_answers"] > rows["slow_answers"]),
    }[name]
    marked = rows.mutate(activity=ibis.literal(name), done=done).filter(of)
    return marked.select("outcome", "activity", "is_good", "done", "account_manager", "stage")


TABLE = DailyTable(
    "intelligence/activity_rates",
    CONTRACT,
    inputs={"outcomes": "intelligence/activity_outcomes", "policy": current_policy},
    rule=table,
)
