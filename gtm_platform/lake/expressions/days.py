"""Days and windows, exactly: a day count is a difference of UTC dates, a window of N days ends with the day itself."""

from datetime import UTC, date, datetime, time, timedelta

import ibis


def end_of(day: date) -> ibis.ir.TimestampScalar:
    """Return the midnight with which the day ends; not part of it."""
    midnight = datetime.combine(day + timedelta(days=1), time(), UTC)
    end: ibis.ir.TimestampScalar = ibis.timestamp(midnight).cast("timestamp('UTC', 6)")
    return end


def days_since(moment: ibis.ir.TimestampValue, day: date) -> ibis.ir.IntegerValue:
    """Count the days from the day of a moment to a day."""
    return ibis.literal(day).epoch_days() - moment.date().epoch_days()


def within(moment: ibis.ir.TimestampValue, day: date, days: int) -> ibis.ir.BooleanValue:
    """Whether a moment's day is one of the last so many, the day itself included; false for no moment."""
    return days_since(moment, day).between(0, days - 1).fill_null(False)
