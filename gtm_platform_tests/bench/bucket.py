"""The demo with its lake in a bucket that is 30 ms away, beside the demo with its lake in a folder.

The server is SeaweedFS where it is installed (make bucket), else the one of the tests; GTM_BENCH_PEOPLE says how many
people there are.
"""

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.bench.rounds import ROOT, Taken, compared, in_turns
from gtm_platform_tests.bench.slow_line import slow_line
from gtm_platform_tests.s3_server import environment, real_s3_server, real_server_binary, s3_server

AWAY = 0.03  # seconds
BUCKET = "lake"
GTM = [sys.executable, "-W", "ignore", "-m", "gtm_platform.cli"]
NOW = "2026-11-20T00:00:00+00:00"


def measure(effort: Effort) -> Iterator[Row]:
    """Run the demo in turns, each time in a home and a folder of the bucket of its own."""
    people, days = int(os.environ.get("GTM_BENCH_PEOPLE", effort.of(200, 60))), effort.of(4, 1)
    with tempfile.TemporaryDirectory(prefix="gtm-bench-") as folder, _server(Path(folder)) as (url, whose):
        address = urlsplit(url)
        with slow_line(int(address.port or 0), AWAY) as port:
            far = environment(f"http://127.0.0.1:{port}")
            taken = in_turns(
                effort.rounds,
                bucket=lambda: _lived(people, days, {**far, "GTM_LAKE": f"s3://{BUCKET}/{secrets.token_hex(4)}"}),
                folder=lambda: _lived(people, days, {}),
            )
    for what, of in (("the demo", "first"), ("the demo again, of which nothing is new", "again")):
        ours, other = ([float(each.findings[of]) for each in taken[kind]] for kind in ("bucket", "folder"))
        about = f"{what}, {people} people, {days} days, {whose} {AWAY * 1000:.0f} ms away"
        yield Row(about, "s", **compared(ours, other), target=Target("≤", 1.5), baseline="a folder")


@contextmanager
def _server(folder: Path) -> Iterator[tuple[str, str]]:
    if real_server_binary():
        with real_s3_server(folder / "server", BUCKET) as url:
            yield url, "SeaweedFS"
    else:
        with s3_server(BUCKET) as s3:
            yield s3.url, "the tests' server"


def _lived(people: int, days: int, environment: Mapping[str, str]) -> Taken:
    """Live some days, and the last one again."""
    with tempfile.TemporaryDirectory(prefix="gtm-bench-") as home:
        command = [*GTM, "demo", "--home", home, "--people", str(people), "--days", str(days), "--now", NOW]
        seconds = {name: _seconds(command, environment) for name in ("first", "again")}
    return Taken(sum(seconds.values()), 0, 0, seconds)


def _seconds(command: list[str], more: Mapping[str, str]) -> float:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GTM_", "DAGSTER_", "AWS_"))}
    began = time.perf_counter()
    demo = subprocess.run(command, cwd=ROOT, env=kept | more, capture_output=True, text=True, check=False)
    if demo.returncode:
        raise RuntimeError(f"The demo failed: {(demo.stdout + demo.stderr)[-3000:]}")
    return time.perf_counter() - began


FIGURE = Figure(
    "bucket",
    "Lives the demo with its lake in a bucket 30 ms away in 1.5 times the time that it takes with a folder, or less.",
    measure,
)
