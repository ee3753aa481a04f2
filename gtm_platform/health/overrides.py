"""What weighs more than any mean: points taken off the base score, all that apply."""

from datetime import date

import ibis

from gtm_platform.core.days import within
from gtm_platform.policy import Policy


def applying(facts: ibis.Table, policy: Policy, day: date) -> dict[str, ibis.ir.BooleanValue]:
    found = {
        "cancel": within(facts["cancel_mentioned_at"], day, policy.support.cancel_days),
        "delinquent": facts["is_delinquent"],
        "inactive": facts["days_since_seen"] >= policy.health.inactive_days,
        "critical": facts["open_critical_tickets"] > 0,
    }
    return {name: applies.fill_null(False) for name, applies in found.items()}


def points(applying: dict[str, ibis.ir.BooleanValue], policy: Policy) -> dict[str, ibis.ir.IntegerValue]:
    taken = policy.health.overrides
    return {name: ibis.ifelse(applies, getattr(taken, name), 0).cast("int64") for name, applies in applying.items()}
