"""`gtm undo` takes the id of a run as the UI shows it."""

from contextlib import closing
from datetime import UTC, datetime

import pytest

from gtm_platform.cli.undo import full_run_id
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform.state.hubspot_journal import Write, intend, receive
from gtm_platform_tests.cli.conftest import Command

NOW = datetime(2026, 3, 1, tzinfo=UTC)
RUNS = ("1f0c9a2b-1111", "1f0c9a2b-2222", "77e4d210-3333")


@pytest.fixture(autouse=True)
def journal() -> None:
    """Three runs that wrote, and one whose write was rejected."""
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        for run_id in (*RUNS, "8a000000-4444"):
            write = Write(run_id, "2026-03-01", "contacts", "1", "cus_1", "gtm_mrr", "1", "2", "{}", "trace")
            outcome = "written" if run_id in RUNS else "rejected"
            receive(tx, intend(tx, [write], NOW), outcome, NOW)  # type: ignore[arg-type]


def test_eight_characters_are_enough() -> None:
    assert full_run_id("77e4d210") == "77e4d210-3333"
    assert full_run_id("1f0c9a2b-1111") == "1f0c9a2b-1111"


def test_an_ambiguous_id_is_refused_with_the_runs_it_may_mean() -> None:
    with pytest.raises(
        LookupError, match="2 runs that wrote to HubSpot begin with '1f0c9a2b': 1f0c9a2b-2222, 1f0c9a2b"
    ):
        full_run_id("1f0c9a2b")


@pytest.mark.parametrize("run_id", ["8a000000", "nothing", "%"])
def test_a_run_that_wrote_nothing_is_refused(command: Command, run_id: str) -> None:
    answer = command("undo", run_id)
    assert answer.exit_code == 1
    assert f"No run that wrote to HubSpot begins with {run_id!r}" in answer.stderr
