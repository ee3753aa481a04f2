"""The mill, run as the platform is run: Dagster's daemon by the platform's dagster.yaml, a process for each run. And a
process in which everything fails."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from time import monotonic

import dagster as dg
import yaml

from gtm_platform.orchestration.instance import SETTINGS
from gtm_platform.settings import settings
from gtm_platform_tests.e2e.home import REPOSITORY

AT_ONCE = 8  # runs
EVERY = 3  # days between two windows of the source, each of which brings one more album
MILL, TROUBLE = "gtm_platform_tests.faults.worker_pool", "gtm_platform_tests.faults.fault_scenarios"


@dataclass(frozen=True)
class Daemon:
    process: "subprocess.Popen[bytes]"
    instance: dg.DagsterInstance
    log: Path

    def counts(self) -> Counter[str]:
        return Counter(run.status.value for run in self.instance.get_runs())

    def until(self, done: Callable[[], bool], seconds: float) -> None:
        """Waits for what the daemon and its runs do; a daemon that died, or never does it, is told with its log."""
        end = monotonic() + seconds
        while not done():
            with suppress(subprocess.TimeoutExpired):
                raise AssertionError(f"the daemon ended with {self.process.wait(1)}:\n{self.log.read_text()[-4000:]}")
            assert monotonic() < end, f"after {seconds} s: {dict(self.counts())}\n{self.log.read_text()[-4000:]}"


def settle(home: Path) -> dict[str, str]:
    """The platform's own settings of Dagster, but with a run queue of eight. The environment of that home."""
    configured = yaml.safe_load(SETTINGS.read_text())
    configured["concurrency"]["runs"] = {"max_concurrent_runs": AT_ONCE}
    configured["run_queue"] = {"dequeue_use_threads": True, "dequeue_num_workers": AT_ONCE}
    (home / "dagster").mkdir(parents=True)
    (home / "dagster/dagster.yaml").write_text(yaml.safe_dump(configured))
    own = {"GTM_HOME": str(home), "DAGSTER_HOME": str(home / "dagster"), "GTM_FIRST_DAY": "2025-01-01"}
    return {**os.environ, **own, "PYTHONWARNINGS": "ignore"}


@contextmanager
def backfilling(home: Path, days: int) -> Iterator[Daemon]:
    """A daemon that comes up and finds a backfill of so many days, each a run of its own."""
    environment, log = settle(home), home / "daemon.log"
    subprocess.run([sys.executable, "-m", MILL, str(days)], env=environment, check=True)
    command = [sys.executable, "-m", "dagster._daemon", "run", "-m", MILL]
    with log.open("wb") as output, dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            yield Daemon(process, instance, log)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


@dataclass(frozen=True)
class InTrouble:
    process: "subprocess.Popen[bytes]"
    home: Path
    printed: Path
    report: Path


@contextmanager
def everything_failing(home: Path, report: Path) -> Iterator[InTrouble]:
    names = ("PATH", "HOME", "TMPDIR", "LANG", "GTM_FIRST_DAY")
    inherited = {name: os.environ[name] for name in names if name in os.environ}
    own = {"GTM_HOME": str(home), "DAGSTER_HOME": str(home / "dagster"), "PYTHONPATH": str(REPOSITORY)}
    own["GTM_FIRST_DAY"] = "2026-01-01"
    command, printed = [sys.executable, "-m", TROUBLE, str(report)], home / "printed.txt"
    if (compiled := settings().cache / "statements").is_dir():  # else it would compile every query by itself
        copytree(compiled, home / "cache" / "statements")
    with printed.open("wb") as out:
        process = subprocess.Popen(command, cwd=home, env={**inherited, **own}, stdout=out, stderr=out)
        try:
            yield InTrouble(process, home, printed, report)
        finally:
            process.kill()
            process.wait()
