"""What splitting the change of each score costs on a day that follows another, beside all tables of that day."""

import tempfile
from collections.abc import Iterator
from statistics import median

from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.bench.rounds import in_child, in_turns

MAKE, SETTLE = (f"gtm_platform_tests.bench.day:{name}" for name in ("make", "settle"))
TABLE = "health/score_changes"


def measure(effort: Effort) -> Iterator[Row]:
    """Make a day of some customers, then the next one, on which every customer is a day older."""
    customers = effort.of(100_000, 10_000)
    with tempfile.TemporaryDirectory(prefix="gtm-bench-") as home:
        in_child(SETTLE, home=home, customers=customers)
        in_child(MAKE, home=home, days=2)  # the first day of all, and what is compiled once
        taken = in_turns(effort.rounds, next_day=lambda: in_child(MAKE, home=home, since=1))["next_day"]
    own = median(float(each.findings["tables"][TABLE]) for each in taken)
    every = median(float(each.findings["own"]) for each in taken)
    yield Row(f"{TABLE}, {customers:,} customers", "s", own, Target("≤", 0.15), "all tables of the day", every)
    yield Row(f"{TABLE}: a customer", "µs", own / customers * 1e6)


FIGURE = Figure(
    "score_changes",
    "Splits the changes of the scores of a hundred thousand customers in at most 15 % of what all tables of a day "
    "take.",
    measure,
)
