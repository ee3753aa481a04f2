"""Who is the main contact of a company, and what shows that they have left it.

Pure expressions over rows with the columns of `core/profile` and `core/activity`: the tables of companies and of health
say the same by them.
"""

import ibis

from gtm_platform.policy.companies import ChampionLeft


def longest_customer(staff: ibis.Table) -> ibis.Value:
    """Return {since, customer_id} of who of a group has been a customer the longest, inboxes left out."""
    counts = staff["is_customer"].fill_null(False) & staff["customer_since"].notnull() & ~staff["shared_inbox"]
    who = ibis.struct({"since": staff["customer_since"], "customer_id": staff["customer_id"]})
    return who.min(where=counts)


def has_gone(rows: ibis.Table, rules: ChampionLeft) -> ibis.ir.BooleanValue:
    """Whether the seat of each is gone, or mail to them comes back and they are not active either."""
    unseen = (rows["days_since_seen"] >= rules.active_days).fill_null(True)
    gone: ibis.ir.BooleanValue = rows["seat_deactivated"].fill_null(False)
    return gone | (rows["mail_bounces"].fill_null(False) & unseen)


def is_silent(rows: ibis.Table, rules: ChampionLeft) -> ibis.ir.BooleanValue:
    """Whether each was not seen for so long that they may be gone, if colleagues are active."""
    silent: ibis.ir.BooleanValue = (rows["days_since_seen"] >= rules.silent_days).fill_null(True)
    return silent


def is_active(days_since_seen: ibis.ir.IntegerValue, rules: ChampionLeft) -> ibis.ir.BooleanValue:
    """Whether somebody last seen so many days ago is at work."""
    active: ibis.ir.BooleanValue = (days_since_seen < rules.active_days).fill_null(False)
    return active
