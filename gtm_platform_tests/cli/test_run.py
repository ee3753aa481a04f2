"""`gtm run`: what cannot be made is refused with a sentence, before a run is begun."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gtm_platform.orchestration.instance import instance
from gtm_platform.sandbox.server import running
from gtm_platform_tests.cli.conftest import Command

REFUSED = [
    (["core/revenue", "--partition", "2019-01-01"], "core/revenue has no partition '2019-01-01': they go from"),
    (["core/revenue", "--partition", "2999-01-01"], "core/revenue has no partition '2999-01-01'"),
    (["core/revenue", "--partition", "2026-03-01", "--to", "2999-01-01"], "no partition '2999-01-01'"),
    (["hubspot/contacts", "--partition", "2026-03-01"], "hubspot/contacts has no partition '2026-03-01'"),
    (["core/revenu", "--partition", "2026-03-01"], "no such table"),
    (["core/revenue", "--partition", "2026-03-05", "--to", "2026-03-01"], "The range is reversed: --partition 2026-03"),
    (["stripe/charges", "--partition", "2026-03-01"], "stripe is off: set STRIPE_API_KEY (see .env.example)."),
    (["group:nobody", "--partition", "2026-03-01"], "Nothing is selected"),
]


@pytest.mark.parametrize(("arguments", "sentence"), REFUSED, ids=lambda of: of[0] if isinstance(of, list) else "")
def test_what_cannot_be_made_is_refused(command: Command, home: Path, arguments: list[str], sentence: str) -> None:
    answer = command("run", *arguments)
    assert answer.exit_code == 1
    assert sentence in answer.stderr
    assert "Traceback" not in answer.output
    assert not (home / "lake").exists()
    with instance() as dagster:
        assert dagster.get_runs_count() == 0


def test_a_run_in_which_nothing_is_made_says_why_and_fails(command: Command) -> None:
    answer = command("run", "delivery/hubspot_contacts", "--partition", "2026-03-01")
    assert answer.exit_code == 1
    assert "Nothing was made. HubSpot is off: set HUBSPOT_ACCESS_TOKEN." in answer.stderr
    assert answer.stdout.splitlines()[-1].endswith(": made nothing")
    with instance() as dagster:
        assert dagster.get_runs_count() == 1


def test_progress_shows_what_is_made_as_it_is_made(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(20, 1, datetime(2026, 3, 2, tzinfo=UTC)) as box:
        for name, value in {**box.env, "GTM_NOW": "2026-03-02T00:15:00Z"}.items():
            monkeypatch.setenv(name, value)
        answer = command("run", "stripe/products", "--partition", "2026-03-01")
    assert answer.exit_code == 0, answer.output
    made, run = answer.stdout.splitlines()
    assert made.startswith("stripe/products 2026-03-01: ")
    assert run.endswith(": done")
    assert "stripe …" in answer.stderr
    assert "DEBUG" not in answer.output


@pytest.mark.parametrize("full_refresh", [True, False])
def test_a_full_refresh_is_asked_for_by_a_tag_of_the_run(command: Command, full_refresh: bool) -> None:
    option = ["--full-refresh"] if full_refresh else []
    command("run", "identity/links", "--partition", "2026-03-01", *option)
    with instance() as dagster:
        [run] = dagster.get_runs()
    assert run.tags.get("gtm/full_refresh") == ("true" if full_refresh else None)
