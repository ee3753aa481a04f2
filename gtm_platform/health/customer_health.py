"""`health/customer_health`: how well each customer does, with everything that the score is made of."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import ibis

from gtm_platform.core.activity import engagement
from gtm_platform.core.main_contact import longest_customer
from gtm_platform.health import actions, components
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, DaysAgo
from gtm_platform.lake.expressions.days import Day, as_scalar
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.lake.expressions.rounding import points
from gtm_platform.policy import Health, Policy, Status
from gtm_platform.policy import policy as current_policy

COMPONENTS = ("activity", "support", "payment", "engagement", "tenure", "mrr")
OVERRIDES = {"cancel": "cancelling was mentioned", "delinquent": "payment is overdue", "inactive": "not seen for long"}
OVERRIDES["critical"] = "a critical ticket is open"
AGO = {1: "score_change_1d", 7: "score_change_7d", 30: "score_change_30d"}
STATUSES = tuple(Status.model_fields)
HEALTHY = STATUSES[0]
NEW = "new"  # a status by no score: by a refinement of who is too new, or too little known, to be judged
NOT_AT_RISK = (HEALTHY, NEW)


def _percent(value: ibis.Value) -> ibis.ir.BooleanValue:
    return value.between(0, 100)


def _counted(status: str) -> Callable[[ibis.Table], ibis.Scalar]:
    return lambda t: (t["health_status"] == status).sum()


HEALTH = {
    "health_score": Column("int64", "0 to 100; null for who is no current customer.", rule=lambda v: v.between(0, 100)),
    "health_status": Column("string", "healthy, at_risk, high_risk or critical; by a refinement of the rules new."),
    "churn_risk": Column(
        "int64", "Probability in percent of churning within 90 days.", rule=lambda v: v.between(0, 100)
    ),
    "risk_signals": Column("array<string>", "What speaks against the customer staying, sorted."),
    "recommended_actions": Column("array<string>", "What to do, the most pressing first."),
}
CONTRACT = Contract(
    {
        "customer_id": Column("string", "The customer.", nullable=False),
        "as_of": Column("date", "The day at whose end all of this was so.", nullable=False),
        **{
            f"{name}_score": Column("float64", f"Component {name}, 0 to 100; null without data.", rule=_percent)
            for name in COMPONENTS
        },
        "base_score": Column("float64", "Mean of the components by weight.", rule=_percent),
        **{
            f"override_{name}": Column("int64", f"Points taken off because {why}; 0 or less.", False, lambda v: v <= 0)
            for name, why in OVERRIDES.items()
        },
        "health_score": HEALTH["health_score"],
        "health_status": replace(HEALTH["health_status"], rule=lambda v: v.isin((*STATUSES, NEW))),
        "health_confidence": Column("float64", "Share of the weights that have data, 0 to 1.", nullable=False),
        "churn_risk": HEALTH["churn_risk"],
        "churn_risk_model": Column(
            "string",
            "What the risk comes from: formula, or the model of a month of intelligence/churn_model.",
            nullable=False,
        ),
        "risk_signals": replace(HEALTH["risk_signals"], nullable=False),
        "recommended_actions": replace(HEALTH["recommended_actions"], nullable=False),
        **{
            name: Column("int64", f"Change of the score in {days} day{'s' if days > 1 else ''}.")
            for days, name in AGO.items()
        },
        "policy_hash": Column("string", "The business rules that the score was made with.", nullable=False),
    },
    key=("customer_id",),
    about="Health of each current customer: component scores, overrides, churn risk, signals and actions.",
    figures={
        "mean_score": lambda t: t["health_score"].mean(),
        "mean_churn_risk": lambda t: t["churn_risk"].mean(),
        **{status: _counted(status) for status in STATUSES},
    },
)


def table(
    people: ibis.Table,
    profile: ibis.Table,
    revenue: ibis.Table,
    activity: ibis.Table,
    support: ibis.Table,
    churn_scores: ibis.Table,
    one_day_ago: ibis.Table,
    seven_days_ago: ibis.Table,
    thirty_days_ago: ibis.Table,
    policy: Policy,
    day: Day,
) -> ibis.Table:
    """Return a row per current customer."""
    before = zip(AGO, (one_day_ago, seven_days_ago, thirty_days_ago), strict=True)
    past_scores = [_score(then, days) for days, then in before]
    rows = left_join_all(facts(people, profile, revenue, activity, support), [*past_scores, _modelled(churn_scores)])
    return judged(scored(rows, policy, day), policy, day).select(*CONTRACT.columns)


def facts(
    people: ibis.Table, profile: ibis.Table, revenue: ibis.Table, activity: ibis.Table, support: ibis.Table
) -> ibis.Table:
    """Return a row per current customer with everything that its health is made from."""
    customers = profile.filter(profile["is_customer"])
    customers = customers.select("customer_id", "signup_at", "customer_status", "mail_bounces", "seat_deactivated")
    return left_join_all(customers, [revenue, activity, support, _colleagues(people, profile, activity)])


def _colleagues(people: ibis.Table, profile: ibis.Table, activity: ibis.Table) -> ibis.Table:
    """Return [customer_id, company_users, company_days_since_seen, is_main_contact] of who belongs to a company.

    Users are those who were ever seen in the product; the main contact is who has been a customer the longest.
    """
    staff = people.filter(people["company_id"].notnull()).select("customer_id", "company_id", "shared_inbox")
    domains = [
        profile.select("customer_id", "is_customer", "customer_since"),
        activity.select("customer_id", "last_seen_at", "days_since_seen"),
    ]
    staff = left_join_all(staff, domains).view()
    was_seen = staff["last_seen_at"].notnull()
    companies = staff.group_by("company_id").agg(
        users=was_seen.sum(),
        company_days_since_seen=staff["days_since_seen"].min(),
        longest=longest_customer(staff),
    )
    rows = staff.view().join(companies, "company_id")
    return rows.select(
        "customer_id",
        "company_days_since_seen",
        company_users=ibis.ifelse(rows["last_seen_at"].notnull(), rows["users"], None),
        is_main_contact=rows["customer_id"] == rows["longest"]["customer_id"],
    )


def _score(then: ibis.Table, days: int) -> ibis.Table:
    return then.select("customer_id", **{f"score_{days}d_ago": then["health_score"]})


def _modelled(churn_scores: ibis.Table) -> ibis.Table:
    """Return [customer_id, modelled_risk, model_month] of whom the model of churn may be heard about."""
    delivered = churn_scores.filter(churn_scores["delivered_risk"].notnull())
    return delivered.select("customer_id", modelled_risk="delivered_risk", model_month="month")


def scored(rows: ibis.Table, policy: Policy, day: Day) -> ibis.Table:
    """Return the facts with the score of each component, the overrides, and the score they come to."""
    rules = policy.health
    rows = rows.mutate(**{f"{name}_score": score for name, score in components.scores(rows, rules, day).items()})
    applying = components.applying_overrides(rows, policy, day)
    taken = components.override_points(rows, applying, policy, day)
    rows = rows.mutate(**{f"override_{name}": points_taken for name, points_taken in taken.items()})
    scores = {name: rows[f"{name}_score"] for name in COMPONENTS}
    rows = rows.mutate(
        base_score=components.base(scores, rules), health_confidence=components.confidence(scores, rules)
    )
    return rows.mutate(
        health_score=points(components.total(rows["base_score"], [rows[f"override_{o}"] for o in OVERRIDES]))
    )


def engaged(rows: ibis.Table, policy: Policy) -> ibis.ir.FloatingValue:
    """Return the engagement score of rows that do not come from core/activity, which has it."""
    return engagement(rows["logins_30d"], rows["onboarding_pct"], policy.health)


def judged(rows: ibis.Table, policy: Policy, day: Day) -> ibis.Table:
    """Return scored rows with status, risk, signals, actions and changes."""
    score = rows["health_score"]
    applying = components.applying_overrides(rows, policy, day)
    risk = components.churn_risk(score, applying["cancel"], actions.is_leaving(rows), policy.health.churn)
    by_model = rows["modelled_risk"].notnull() & (policy.health.churn.risk_from == components.MODEL)
    return rows.mutate(
        as_of=as_scalar(day),
        health_status=_status(rows, applying, policy.health, day),
        churn_risk=ibis.ifelse(by_model, rows["modelled_risk"], risk),
        churn_risk_model=ibis.ifelse(by_model, _model_of(rows["model_month"]), components.FORMULA),
        policy_hash=ibis.literal(policy.hash),
        **actions.columns(rows, applying, policy, day),
        **{name: score - rows[f"score_{days}d_ago"] for days, name in AGO.items()},
    )


def _model_of(month: ibis.ir.DateValue) -> ibis.ir.StringValue:
    """Name the model of a month: model of 2026-08."""
    return ibis.literal(f"{components.MODEL} of ") + month.cast("string").substr(0, len("2026-08"))


def _status(
    rows: ibis.Table, applying: Mapping[str, ibis.ir.BooleanValue], rules: Health, day: Day
) -> ibis.ir.StringValue:
    """Return the first status, from the best on, whose lowest score is reached; by a refinement `new`."""
    score = rows["health_score"]
    by_score = ibis.cases(*[(score >= least, status) for status, least in rules.status])
    if not (rules.refinements.new_within_days or rules.refinements.new_below_confidence):
        return by_score
    has_override = ibis.or_(*applying.values())
    is_new = components.is_new(rows, rules.refinements, day) & ~has_override & score.notnull()
    return ibis.ifelse(is_new, NEW, by_score)


TABLE = DailyTable(
    "health/customer_health",
    CONTRACT,
    inputs={
        "people": "identity/people",
        "profile": "core/profile",
        "revenue": "core/revenue",
        "activity": "core/activity",
        "support": "core/support",
        "churn_scores": "intelligence/churn_scores",
        "one_day_ago": DaysAgo("health/customer_health", 1),
        "seven_days_ago": DaysAgo("health/customer_health", 7),
        "thirty_days_ago": DaysAgo("health/customer_health", 30),
        "policy": current_policy,
    },
    rule=table,
    has_canaries=True,
    per="population",  # of MRR it is the place among all who pay that counts, and a company's people judge each other
)
