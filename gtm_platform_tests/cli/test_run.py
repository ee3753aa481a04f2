"""`gtm run`: what cannot be made is refused with a sentence, before a run is begun."""

from pathlib import Path

import pytest

from gtm_platform.orchestration.instance import instance
from gtm_platform_tests.cli.conftest import Command

REFUSED = [
    (["core/revenue", "--partition", "2019-01-01"], "core/revenue has no partition '2019-01-01': they go from"),
    (["core/revenue", "--partition", "2999-01-01"], "core/revenue has no partition '2999-01-01'"),
    (["core/revenue", "--partition", "2026-03-01", "--to", "2999-01-01"], "no partition '2999-01-01'"),
    (["hubspot/contacts", "--partition", "2026-03-01"], "hubspot/contacts has no partition '2026-03-01'"),
    (["core/revenu", "--partition", "2026-03-01"], "no such table"),
    (["group:nobody", "--partition", "2026-03-01"], "Nothing is selected"),
]


@pytest.mark.parametrize(("arguments", "said"), REFUSED, ids=lambda told: told[0] if isinstance(told, list) else "")
def test_what_cannot_be_made_is_refused(command: Command, home: Path, arguments: list[str], said: str) -> None:
    answer = command("run", *arguments)
    assert answer.exit_code == 1
    assert said in answer.stderr
    assert "Traceback" not in answer.output
    assert not (home / "lake").exists()
    with instance() as dagster:
        assert dagster.get_runs_count() == 0


def test_a_source_that_is_off_makes_nothing_and_says_so(command: Command, home: Path) -> None:
    answer = command("run", "stripe/charges", "--partition", "2026-03-01", "--to", "2026-03-03")
    assert answer.exit_code == 1
    assert "stripe is off: set STRIPE_API_KEY" in answer.stderr
    assert answer.stdout.splitlines()[-1].endswith(": failed")
    with instance() as dagster:
        assert dagster.get_runs_count() == 1
    assert not (home / "lake" / "stripe").exists()
