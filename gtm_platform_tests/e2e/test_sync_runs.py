"""A run that the API launches: in a process of its own, under the id that was answered, seen by Dagster."""

import os
from pathlib import Path

import pytest

from gtm_platform.cli.sync_runs import SyncRuns
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.instance import instance
from gtm_platform.sandbox.server import Sandbox
from gtm_platform.serving.api.syncs import CannotLaunch
from gtm_platform.settings import settings
from gtm_platform_tests.e2e.home import REPOSITORY

RUN_ID = "0b1f7c52-6a4e-4f0e-9d5b-3f6d2f1f9a10"


@pytest.mark.soak
@pytest.mark.usefixtures("box")
def test_a_launched_run_reads_its_source(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "STRIPE_API_KEY" in box.env
    home = Path(os.environ["GTM_HOME"])
    home.mkdir(parents=True)
    monkeypatch.chdir(home)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    with instance() as dagster:
        runs = SyncRuns(dagster)
        assert "stripe" in runs.sources()
        runs.launch("stripe", RUN_ID, full_refresh=False)
        with pytest.raises(CannotLaunch, match=RUN_ID):
            runs.launch("stripe", "another", full_refresh=False)
        _, child = runs._children["stripe"]
        assert child.wait(120) == 0
        assert runs.status(RUN_ID) == "success"
        assert runs.unfinished("stripe") is None
    assert Lake(settings().home / "lake").partitions("stripe/customers") == ["2026-03-01"]
