"""Runs that are launched on request. How they are launched is not the API's: `gtm serve` hands it in."""

from dataclasses import dataclass
from typing import Protocol


class CannotLaunch(RuntimeError):
    """A run could not be launched; the message says why."""


@dataclass(frozen=True)
class RunState:
    """A run, and how far it is, in Dagster's words."""

    run_id: str
    status: str


class Syncs(Protocol):
    """What launches the runs that read sources."""

    def sources(self) -> tuple[str, ...]:
        """Return the sources that can be read."""

    def unfinished(self, source: str) -> RunState | None:
        """Return the run that reads the source and has not ended, if any."""

    def launch(self, source: str, run_id: str, *, full_refresh: bool) -> None:
        """Launch a run under this id, for the newest window that has closed; CannotLaunch where it cannot be."""

    def status(self, run_id: str) -> str:
        """Return how far a run is; "launched" until Dagster knows it."""
