"""How well a company fits: how often companies of its industry, size and country pay, beside how often all do.

Pure expressions over the rows of companies of a day; nothing is trained and nothing is kept.
"""

import ibis

from gtm_platform.lake.expressions.literals import number
from gtm_platform.policy.companies import Fit


def fit(rows: ibis.Table, rules: Fit) -> ibis.ir.FloatingValue:
    """Return 0 to 1, the mean of what is known of a company; 0.5: such companies pay as often as all.

    Null where none of it is known, or nobody pays. A company itself does not count for its own fit.
    """
    traits = [rows["industry"].lower(), _size(rows["employee_count"], rules), rows["country"].lower()]
    likenesses = [_likeness(rows, trait, rules) for trait in traits]
    total: ibis.ir.FloatingValue = number(0)
    count: ibis.ir.IntegerValue = ibis.literal(0, "int64")
    for likeness in likenesses:
        total += likeness.fill_null(0.0)
        count += ibis.ifelse(likeness.notnull(), 1, 0)
    return (total / count.nullif(0)).round(4)


def _size(employees: ibis.ir.IntegerValue, rules: Fit) -> ibis.ir.StringValue:
    """Return the band of sizes as the number from which it begins."""
    bands = reversed((0, *rules.sizes))
    return ibis.cases(*((employees >= least, str(least)) for least in bands), else_=None)


def _likeness(rows: ibis.Table, trait: ibis.ir.StringValue, rules: Fit) -> ibis.ir.FloatingValue:
    """Return how often the others with the trait pay, against how often all do.

    So many companies that pay as often as all are added to them: a few alike say little.
    """
    pays = (rows["mrr"] > 0).fill_null(False).cast("int64")
    alike = ibis.window(group_by=trait)
    share = pays.mean().over(ibis.window())
    count, paying = pays.count().over(alike) - 1, pays.sum().over(alike) - pays
    prior = number(rules.prior_companies)
    rate = (paying + share * prior) / (count + prior)
    return ibis.cases((trait.notnull() & (share > 0), rate / (rate + share)), else_=ibis.null("float64"))
