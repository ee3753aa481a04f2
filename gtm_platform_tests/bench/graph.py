"""What is spent besides the tables' own work: by a run of the graph, by the command line, by imports."""

import importlib
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from statistics import median

from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.bench.marts import MAKE, SETTLE
from gtm_platform_tests.bench.rounds import compared, in_child, in_turns

CUSTOMERS = 1_500  # as many as the demo has people
SLOW = 0.1  # seconds of import that a package has to justify


def measure(effort: Effort) -> Iterator[Row]:
    days = effort.of(14, 3)
    with tempfile.TemporaryDirectory(prefix="gtm-bench-") as home:
        in_child(SETTLE, home=home, customers=CUSTOMERS)
        taken = in_turns(
            effort.rounds,
            one=lambda: in_child(MAKE, home=home),
            many=lambda: in_child(MAKE, home=home, days=days),
            help=lambda: in_child(f"{__name__}:say_help"),
            imports=lambda: in_child(f"{__name__}:import_all"),
            load=lambda: in_child(f"{__name__}:load_definitions"),
        )
    for name, what, most in (("one", "one day", 2.5), ("many", f"{days} days in one run", 1.6)):
        walls, own = ([float(one.findings[of]) for one in taken[name]] for of in ("wall", "own"))
        baseline = "the tables' own work"
        yield Row(
            f"{what}, all daily tables",
            "s",
            **compared(walls, own),
            target=Target("≤", most),
            baseline=baseline,
        )
    yield Row("gtm --help", "s", median(one.seconds for one in taken["help"]), Target("≤", 0.5))
    loads = [float(one.findings["cpu"]) for one in taken["load"]]
    yield Row("definitions load, processor time", "s", median(loads), Target("≤", 4.0))
    yield Row("import of the definitions", "s", median(sum(one.findings.values()) for one in taken["imports"]))
    for package, seconds in Counter(taken["imports"][0].findings).most_common():
        if seconds > SLOW:
            yield Row(f"import: {package}", "s", seconds)


def say_help() -> None:
    subprocess.run([sys.executable, "-m", "gtm_platform.cli", "--help"], stdout=subprocess.DEVNULL, check=True)


def load_definitions() -> dict[str, float]:
    """Seconds of the processor, so that a machine that others use says the same."""
    began = time.process_time()
    definitions = importlib.import_module("gtm_platform.definitions")
    definitions.defs.get_repository_def()
    return {"cpu": time.process_time() - began}


def import_all() -> dict[str, float]:
    """Seconds that each package takes by itself, without those that it imports."""
    command = [sys.executable, "-W", "ignore", "-X", "importtime", "-c", "import gtm_platform.definitions"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    seconds: Counter[str] = Counter()
    for line in told.splitlines():
        own, _, name = line.removeprefix("import time:").split("|") if line.count("|") == 2 else ("", "", "")
        if own.strip().isdigit():
            seconds[name.strip().split(".")[0]] += float(own) / 1e6
    return dict(seconds)


FIGURE = Figure(
    "graph",
    "A run takes at most 2.5 times what its tables take themselves, over fourteen days 1.6 times; `gtm` answers at "
    "once.",
    measure,
)
