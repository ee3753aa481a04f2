"""The daily tables of a hundred thousand customers and of a million, beside reading their sources once and writing the
same tables once."""

import tempfile
from collections.abc import Iterator
from statistics import median

from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.bench.rounds import Taken, compared, in_child, in_turns

MAKE, FLOOR, SETTLE = (f"gtm_platform_tests.bench.day:{name}" for name in ("make", "floor", "settle"))


def measure(effort: Effort) -> Iterator[Row]:
    sizes = {"few": effort.of(100_000, 10_000), "many": effort.of(1_000_000, 50_000)}
    with tempfile.TemporaryDirectory(prefix="gtm-bench-") as few, tempfile.TemporaryDirectory() as many:
        homes = {"few": few, "many": many}
        rows = {name: in_child(SETTLE, home=homes[name], customers=sizes[name]).findings["rows"] for name in sizes}
        in_turns(1, few=lambda: _made(few), many=lambda: _made(many))  # what floors write
        taken = in_turns(
            effort.rounds,
            few=lambda: _made(few),
            few_floor=lambda: in_child(FLOOR, home=few),
            many=lambda: _made(many),
            many_floor=lambda: in_child(FLOOR, home=many),
        )
    own = {name: [float(one.findings["own"]) for one in taken[name]] for name in sizes}
    for name, customers in sizes.items():
        floor = [float(one.findings["seconds"]) for one in taken[f"{name}_floor"]]
        what = f"{customers:,} customers, {rows[name]:,} source rows"
        yield Row(what, "s", **compared(own[name], floor), target=Target("≤", 6), baseline="reading and writing once")
    each = {name: [seconds / customers * 1e6 for seconds in own[name]] for name, customers in sizes.items()}
    what, baseline = f"a customer of {sizes['many']:,}", f"of {sizes['few']:,}"
    yield Row(what, "µs", **compared(each["many"], each["few"]), target=Target("≤", 1.3), baseline=baseline)
    peak = median(one.peak_mb for one in taken["many"])
    yield Row(f"memory, {sizes['many']:,} customers", "MB", peak, Target("≤", 1), "what is allowed", 3000.0)
    for table in taken["many"][0].findings["tables"]:
        seconds = median(float(one.findings["tables"][table]) for one in taken["many"])
        yield Row(f"{sizes['many']:,} customers: {table}", "s", seconds)


def _made(home: str) -> Taken:
    """Make every table; what is served of them has figures of its own."""
    return in_child(MAKE, home=home, served=False)


FIGURE = Figure(
    "marts",
    "Makes all daily tables of a million customers within 6 times what it takes to read their sources once and to "
    "write the same tables once, in 3 GB, and as fast a customer as those of a hundred thousand.",
    measure,
)
