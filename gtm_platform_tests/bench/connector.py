"""Records a second from a server into a table that can be asked, and the memory which that takes, beside dlt."""

from collections.abc import Iterator
from statistics import median

from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.bench.rounds import compared, in_child, in_turns
from gtm_platform_tests.bench.server import serving

OURS, DLT = "gtm_platform_tests.bench.ours:land", "gtm_platform_tests.bench.peers:land"


def measure(effort: Effort) -> Iterator[Row]:
    few, many = effort.of(200_000, 20_000), effort.of(2_000_000, 200_000)
    with serving() as url:
        taken = in_turns(
            effort.rounds,
            ours=lambda: in_child(OURS, url=url, records=few),
            parquet=lambda: in_child(DLT, url=url, records=few, file_format="parquet"),
            defaults=lambda: in_child(DLT, url=url, records=few, file_format=None),
        )
        taken |= in_turns(1, many=lambda: in_child(OURS, url=url, records=many))
    rates = {name: [float(one.findings["records"]) / one.seconds for one in each] for name, each in taken.items()}
    what, unit = f"{few:,} records", "records/s"
    defaults = compared(rates["ours"], rates["defaults"])
    yield Row(what, unit, **defaults, target=Target("≥", 10), baseline="dlt with its defaults")
    yield Row(what, unit, **compared(rates["ours"], rates["parquet"]), target=Target("≥", 2), baseline="dlt, Parquet")
    yield Row(f"{many:,} records", unit, rates["many"][0], Target("≥", 0.9), f"{few:,} records", median(rates["ours"]))
    cpu = {name: [one.cpu / float(one.findings["records"]) * 1e6 for one in each] for name, each in taken.items()}
    yield Row(what, "µs of a core", **compared(cpu["ours"], cpu["defaults"]), baseline="dlt with its defaults")
    yield Row(what, "µs of a core", **compared(cpu["ours"], cpu["parquet"]), baseline="dlt, Parquet")
    memory = {name: median(one.peak_mb for one in each) for name, each in taken.items()}
    what = f"memory, {many:,} records"
    yield Row(what, "MB", memory["many"], Target("≤", 1.1), f"{few:,} records", memory["ours"])
    yield Row(what, "MB", memory["many"], Target("≤", 1), "what is allowed", 400.0)
    yield Row(f"memory, {few:,} records", "MB", memory["ours"], None, "dlt with its defaults", memory["defaults"])
    yield Row(f"memory, {few:,} records", "MB", memory["ours"], None, "dlt, Parquet", memory["parquet"])


FIGURE = Figure(
    "connector",
    "Lands records 10 times as fast as dlt's defaults and twice as fast as dlt through Parquet, at the same rate "
    "and in the same memory however many they are.",
    measure,
)
