"""The daily tables of a hundred thousand customers and of a million, beside reading their sources once and writing the
wide table once."""

import tempfile
from collections.abc import Iterator, Sequence

from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.bench.rounds import Taken, in_child, in_turns, middle, middle_ratio

MAKE, FLOOR, SETTLE = (f"gtm_platform_tests.bench.day:{name}" for name in ("make", "floor", "settle"))


def measure(effort: Effort) -> Iterator[Row]:
    few, many = effort.of(100_000, 10_000), effort.of(1_000_000, 50_000)
    with tempfile.TemporaryDirectory(prefix="gtm-bench-") as small, tempfile.TemporaryDirectory() as large:
        rows = {}
        for home, customers in ((small, few), (large, many)):
            rows[home] = in_child(SETTLE, home=home, customers=customers).found["rows"]
            in_child(MAKE, home=home)  # the wide table that the floor writes
        taken = in_turns(
            effort.rounds,
            few=lambda: in_child(MAKE, home=small),
            few_floor=lambda: in_child(FLOOR, home=small),
            many=lambda: in_child(MAKE, home=large),
            many_floor=lambda: in_child(FLOOR, home=large),
        )
        yield _beside_floor(few, rows[small], taken["few"], taken["few_floor"])
        yield _beside_floor(many, rows[large], taken["many"], taken["many_floor"])
    slower = middle_ratio(taken["many"], taken["few"], _own) * few / many
    a_customer = {n: middle(taken[name], _own) / n * 1e6 for name, n in (("few", few), ("many", many))}
    yield Row(
        f"a customer of {many:,}", "µs", a_customer[many], Target("≤", 1.3), f"of {few:,}", a_customer[few], slower
    )
    peak = middle(taken["many"], lambda one: one.peak_mb)
    yield Row(f"memory, {many:,} customers", "MB", peak, Target("≤", 1.0), "what is allowed", 4096.0)
    for table in taken["many"][0].found["tables"]:
        yield Row(
            f"{many:,}: {table}", "s", middle(taken["many"], lambda one, of=table: float(one.found["tables"][of]))
        )


def _beside_floor(customers: int, rows: int, ours: Sequence[Taken], floor: Sequence[Taken]) -> Row:
    ratio = middle_ratio(ours, floor, lambda one: float(one.found.get("own") or one.found["seconds"]))
    what, beside = f"{customers:,} customers, {rows:,} source rows", "reading and writing once"
    return Row(what, "s", middle(ours, _own), Target("≤", 8), beside, middle(floor, _seconds), ratio)


def _own(taken: Taken) -> float:
    return float(taken.found["own"])


def _seconds(taken: Taken) -> float:
    return float(taken.found["seconds"])


FIGURE = Figure(
    "marts",
    "Makes all daily tables of a million customers within 8 times what it takes to read their sources once and to "
    "write the wide table once, in 4 GiB, and as fast a customer as those of a hundred thousand.",
    measure,
)
