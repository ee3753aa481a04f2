"""From exact figures to the whole points that people read."""

import ibis

from gtm_platform.lake.expressions.literals import number


def points(value: ibis.ir.FloatingValue) -> ibis.ir.IntegerValue:
    """Round half up, within 0 to 100, where half up and half away from zero are one.

    What a binary fraction adds or loses in its last digits does not decide between two points.
    """
    whole = (value.round(9) + number(0.5)).floor().cast("int64")
    return ibis.cases((whole < 0, 0), (whole > 100, 100), else_=whole).cast("int64")
