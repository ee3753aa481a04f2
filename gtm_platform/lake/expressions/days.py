"""Days and windows, exactly: a day count is a difference of UTC dates, a window of N days ends with the day itself.

A day is a date, or an expression where a query is to serve any day.
"""

from datetime import date
from typing import TypeAlias

import ibis

Day: TypeAlias = "date | ibis.ir.DateScalar"


def as_scalar(day: Day) -> ibis.ir.DateScalar:
    """Return a day as an expression."""
    scalar: ibis.ir.DateScalar = ibis.literal(day) if isinstance(day, date) else day
    return scalar


def end_of(day: Day) -> ibis.ir.TimestampScalar:
    """Return the midnight with which the day ends; not part of it."""
    midnight = as_scalar(day) + ibis.interval(days=1)
    end: ibis.ir.TimestampScalar = midnight.cast("timestamp('UTC', 6)")
    return end


def days_since(moment: ibis.ir.TimestampValue, day: Day) -> ibis.ir.IntegerValue:
    """Count the days from the day of a moment to a day."""
    return as_scalar(day).epoch_days() - moment.date().epoch_days()


def within(moment: ibis.ir.TimestampValue, day: Day, days: int) -> ibis.ir.BooleanValue:
    """Whether a moment's day is one of the last so many, the day itself included; false for no moment."""
    return days_since(moment, day).between(0, days - 1).fill_null(False)
