"""The risk of losing the customer within 90 days, in percent, by formula from its score."""

import ibis

from gtm_platform.core.rounding import points
from gtm_platform.lake.literals import number
from gtm_platform.policy import Churn

MODEL = "formula"


def risk(score: ibis.ir.IntegerValue, cancel: ibis.ir.BooleanValue, rules: Churn) -> ibis.ir.IntegerValue:
    by_score = points(100 / (1 + ((score - number(rules.midpoint)) / number(rules.slope)).exp()))
    least = int(rules.least_with_cancel)
    return ibis.ifelse(cancel & (by_score < least), least, by_score).cast("int64")
