"""Dagster's storage, for the commands that run something: in $GTM_HOME/dagster, by the repository's dagster.yaml."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from gtm_platform.orchestration import liveness

SETTINGS = Path(__file__).parents[1] / "deployment/dagster.yaml"


def prepare() -> None:
    """Puts dagster.yaml where Dagster looks for it."""
    home = Path(os.environ["DAGSTER_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    if not (target := home / "dagster.yaml").exists() or target.read_text() != SETTINGS.read_text():
        draft = home / f".dagster.yaml.{os.getpid()}"  # never half-written where another process may be reading
        shutil.copyfile(SETTINGS, draft)
        draft.replace(target)


@contextmanager
def instance() -> Iterator[dg.DagsterInstance]:
    """The persistent instance; runs that died without saying so are ended first."""
    prepare()
    with dg.DagsterInstance.get() as found:
        liveness.reap(found)
        yield found
