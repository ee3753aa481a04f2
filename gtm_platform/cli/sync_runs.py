"""Runs that the API launches: each in a process of its own, as `gtm run` would, under an id that is chosen before."""

import subprocess
import sys
import threading

import dagster as dg

from gtm_platform.ingest.assets import closed_window
from gtm_platform.orchestration.origin import UNFINISHED
from gtm_platform.serving.api.syncs import CannotLaunch, RunState
from gtm_platform.settings import settings
from gtm_platform.sources.assets import SCHEDULED

LAUNCHED = "launched"


class SyncRuns:
    """The runs that read sources, of one Dagster instance."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._lock = threading.Lock()
        self._children: dict[str, tuple[str, subprocess.Popen[bytes]]] = {}  # the last of each source

    def sources(self) -> tuple[str, ...]:
        """Return the sources that are switched on."""
        return tuple(source.name for source in SCHEDULED if not source.off())

    def unfinished(self, source: str) -> RunState | None:
        """Return a run that reads the source and has not ended, if any."""
        filters = dg.RunsFilter(job_name=_job(source), statuses=UNFINISHED)
        for run in self._instance.get_runs(filters, limit=1):
            return RunState(run.run_id, run.status.value.lower())
        run_id, child = self._children.get(source, ("", None))
        return RunState(run_id, LAUNCHED) if child and child.poll() is None else None

    def launch(self, source: str, run_id: str, *, full_refresh: bool) -> None:
        """Launch a run for the newest window that has closed."""
        [hours] = [each.hours for each in SCHEDULED if each.name == source]
        window = closed_window(hours, settings().now())
        if window is None:
            raise CannotLaunch(f"No window of {source} has closed yet.")
        command = [sys.executable, "-m", "gtm_platform.cli", "run", _job(source), "--partition", window]
        command += ["--run-id", run_id, *(["--full-refresh"] if full_refresh else [])]
        with self._lock:
            if running := self.unfinished(source):
                raise CannotLaunch(f"Run {running.run_id} reads {source} already.")
            try:
                # A session of its own: it goes on when the server is ended.
                child = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            except OSError as error:
                raise CannotLaunch(f"No process can be started ({error.strerror}).") from error
            self._children[source] = (run_id, child)

    def status(self, run_id: str) -> str:
        """Return how far a run is; "failed" where its process ended before Dagster knew it."""
        if run := self._instance.get_run_by_id(run_id):
            return run.status.value.lower()
        dead = any(id == run_id and child.poll() is not None for id, child in self._children.values())
        return "failed" if dead else LAUNCHED


def _job(source: str) -> str:
    return f"sync_{source}"
