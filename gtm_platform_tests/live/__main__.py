"""`python -m gtm_platform_tests.live`: `gtm ui` for some minutes under an accelerated clock, and what it did."""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gtm_platform_tests.live.memory import Memory, kinds

CLOCK = Path(__file__).with_name("clock.c")
BETWEEN_SAMPLES = 5.0  # seconds


def main() -> int:
    options = _options()
    if shutil.which("cc") is None:
        print("A C compiler (cc) is needed: the clock is moved on below Python, for the daemon's processes, too.")
        return 2
    with tempfile.TemporaryDirectory(prefix="gtm-live-") as folder:
        home, clock = Path(folder, "home"), Path(folder, "clock.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(clock), str(CLOCK), "-ldl"], check=True)
        begin = datetime.combine(datetime.now(UTC).date(), options.start, UTC)
        _live_days(home, options.people)
        memory = _run_ui(home, clock, begin, options.minutes * 60, options.factor)
        return _report(home, begin, memory)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("live", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="real minutes (default 10)")
    parser.add_argument("--factor", type=float, default=6, help="how fast the clock runs (default 6)")
    parser.add_argument("--start", type=_time, default=_time("23:55"), help="UTC time to begin at (default 23:55)")
    parser.add_argument("--people", type=int, default=150, help="people in the sandbox (default 150)")
    return parser.parse_args()


def _time(text: str) -> object:
    return datetime.strptime(text, "%H:%M").time()


def _live_days(home: Path, people: int) -> None:
    """Simulate the two days before today, so that every table has rows when the clock begins to run."""
    command = [sys.executable, "-m", "gtm_platform.cli", "demo", "--home", str(home), "--people", str(people)]
    subprocess.run([*command, "--days", "2"], check=True)


def _run_ui(home: Path, clock: Path, begin: datetime, seconds: float, factor: float) -> Memory:
    """Let the UI run for so many seconds; return what its processes took meanwhile."""
    moved = {
        "LD_PRELOAD": str(clock),
        "LIVE_SINCE": repr(time.time()),
        "LIVE_BEGIN": repr(begin.timestamp()),
        "LIVE_FACTOR": repr(factor),
    }
    command = [sys.executable, "-m", "gtm_platform.cli", "ui", "--home", str(home), "--port", str(_free_port())]
    process = subprocess.Popen(command, env=os.environ | moved)
    memory, end = Memory(process.pid), time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(subprocess.TimeoutExpired):
            ended = process.wait(BETWEEN_SAMPLES)
            raise SystemExit(f"gtm ui ended by itself after less than {seconds:.0f} s, with {ended}")
        memory.sample()
    process.send_signal(signal.SIGINT)
    process.wait(60)
    return memory


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _report(home: Path, since: datetime, memory: Memory) -> int:
    os.environ |= {"GTM_HOME": str(home), "DAGSTER_HOME": str(home / "dagster")}
    from gtm_platform.definitions import defs
    from gtm_platform.orchestration.instance import instance
    from gtm_platform_tests.live.counts import count
    from gtm_platform_tests.live.messages import counted, posts, said_twice

    with instance() as dagster:
        counts = count(dagster, defs, since)
    for name, ticks in sorted(counts.ticks.items()):
        print(f"{name}: {_listed(ticks) or 'no tick'}")
    print("runs:", _listed(counts.runs) or "none")
    print("assets by how often they were made:", _listed(Counter(counts.made.values())))
    posted, processes = posts(home), kinds(memory.samples)
    print("messages in Slack:", _listed(counted(posted)) or "none")
    print("resident memory that is kept in the first and in the second half, once warm:")
    print("\n".join(kind.line for kind in processes))
    twice, growing = said_twice(posted), [f"the memory of {kind.name} grows" for kind in processes if kind.grows]
    print("\n".join(counts.wrong) or "No tick failed, no run failed, and nothing was made twice for one cause.")
    print("\n".join(twice) or "No message was posted twice.")
    print("\n".join(growing) or "No process's memory grows.")
    return 1 if counts.wrong or twice or growing else 0


def _listed(numbers: "Counter[Any]") -> str:
    return ", ".join(f"{what}: {number}" for what, number in sorted(numbers.items()))


if __name__ == "__main__":
    sys.exit(main())
