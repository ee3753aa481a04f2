"""What was done with customers beside what came of it, and what account managers did."""

from typing import Any

from gtm_platform.intelligence.activity.activity_by_manager import TABLE as MANAGERS
from gtm_platform.intelligence.activity.activity_outcomes import OUTCOMES
from gtm_platform.intelligence.activity.activity_rates import ACTIVITIES, ALL
from gtm_platform.intelligence.activity.activity_rates import TABLE as RATES
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft
from gtm_platform.serving.snapshot.tables import rows_of_day

CAVEAT = (
    "Association, and no effect: whoever is about to buy meets us, and whoever is angry writes. Only a trial in which "
    "chance decides who is met could say what meeting does."
)


def make(draft: Draft) -> dict[str, Any]:
    """Return rates with and without each activity, by whom, and the account managers."""
    landing, rules = draft.landing, draft.landing.rules.activity
    order = f"list_position({list(OUTCOMES)}, outcome), list_position({list(ACTIVITIES)}, activity)"
    rates = rows_of_day(landing, RATES.key, f"""from rows order by {order}, split <> '{ALL}', split, member""")
    managers = rows_of_day(landing, MANAGERS.key, "from rows order by account_manager = '', account_manager")
    return {
        "caveat": CAVEAT,
        "before_days": rules.before_days,
        "quick_hours": rules.quick_hours,
        "interval": rules.interval,
        "activities": ACTIVITIES,
        "rates": rates,
        "account_managers": managers,
    }


FACT = Fact("activity", "Meetings, calls, e-mails and answers beside what came of deals and customers.", make)
