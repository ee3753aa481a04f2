"""What is measured of a month's test beside its scores."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from gtm_platform.intelligence.learning.months import days_ahead

DAY = date(2026, 3, 1)


def judged_rows(left: list[int | None]) -> pa.Table:
    """Return the rows of a test by how many days each had left."""
    happened = [DAY + timedelta(days=days) if days else None for days in left]
    return pa.table({"day": [DAY] * len(left), "happened_on": pa.array(happened, "date32")})


def test_the_days_left_are_those_of_the_highest_tenth() -> None:
    """Of thirty rows the three with the highest scores count, and of these who had the event."""
    left: list[int | None] = [80, 10, *[None] * 26, 30, 50]
    scores = np.array([0.9, 0.1, *[0.2] * 26, 0.8, 0.7])
    assert days_ahead(judged_rows(left), scores) == 50
    assert days_ahead(judged_rows([None, *left[1:]]), scores) == 40
    assert days_ahead(judged_rows([None] * 30), scores) is None
