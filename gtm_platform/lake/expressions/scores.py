"""Scores from 0 to 100 that are made of parts, where a part without data counts for nothing.

Which parts, and what they weigh, is for the policy and the tables that have the scores.
"""

import ibis

from gtm_platform.lake.expressions.literals import number


def mixed(first: tuple[float, ibis.Value], second: tuple[float, ibis.Value]) -> ibis.ir.FloatingValue:
    """Mix two scores by their shares; where one has no data, return the other."""
    (share_a, score_a), (share_b, score_b) = first, second
    return ibis.coalesce(number(share_a) * score_a + number(share_b) * score_b, score_a, score_b)


def capped(share: ibis.Value) -> ibis.ir.FloatingValue:
    """Keep a share within 0 and 1."""
    return ibis.cases((share > 1, number(1)), (share < 0, number(0)), else_=share)
