"""`gtm run --due` on the command line: what it says, and how it ends."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gtm_platform.automation.due import Waiting
from gtm_platform.automation.due_run import LEASE, Outcome, Summary
from gtm_platform.cli import due
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform.state.leases import holding
from gtm_platform_tests.cli.conftest import Command

MADE = Outcome("sync_stripe", "window 2026-03-09", "made", "0123456789", tables=3, rows=1200, seconds=4)
SENT = Outcome("deliver", "2026-03-09", "made", "1123456789", counts={"written": 12, "held": 1}, seconds=2)
REFUSED = "hubspot: it refuses the key."
FAILED = Outcome("sync_hubspot", "window 2026-03-09T1200", "failed", "2123456789", reason=REFUSED)
LEFT = Outcome("daily_tables", "2026-03-09", "left", reason="there was no time left")
CLOSED = Waiting("deliver", "2026-03-09 is held back: a check failed", needs_person=True)
BUSY = Waiting("sync_orb", "run 01234567 reads it")
OFF = Waiting("sync_ga4", "ga4 is off: set GA4_PROPERTY_ID (see .env.example).")


@pytest.mark.parametrize(
    ("summary", "code"),
    [
        (Summary([MADE, SENT]), 0),
        (Summary(), 0),
        (Summary([MADE], [BUSY, OFF]), 0),
        (Summary([MADE, FAILED]), 1),
        (Summary([MADE], [CLOSED]), 1),
        (Summary([MADE, LEFT]), 3),
        (Summary([FAILED, LEFT]), 1),
    ],
)
def test_how_it_ends_says_what_is_left_to_do(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, summary: Summary, code: int
) -> None:
    monkeypatch.setattr(due, "run_due", lambda *_: summary)
    answer = command("run", "--due", "--summary", str(tmp_path / "due.json"))
    assert answer.exit_code == code, answer.output
    written = json.loads((tmp_path / "due.json").read_text())
    assert written["code"] == code
    assert [each["name"] for each in written["outcomes"]] == [each.name for each in summary.outcomes]


def test_the_summary_says_what_was_computed_delivered_and_failed(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_new = Waiting("compare_hubspot_hourly", "All objects were compared with HubSpot.")
    done = Summary([MADE, SENT, FAILED, LEFT], [CLOSED, nothing_new, OFF], ["own_conditions"])
    monkeypatch.setattr(due, "run_due", lambda *_: done)
    assert command("run", "--due").stdout.splitlines() == [
        "computed  1 runs, 3 tables, 1,200 rows",
        "delivered deliver: 2026-03-09: 12 written, 1 held in 2 s",
        "failed    sync_hubspot: window 2026-03-09T1200: hubspot: it refuses the key. (run 21234567)",
        "waits     deliver: 2026-03-09 is held back: a check failed",
        "skipped   compare_hubspot_hourly: All objects were compared with HubSpot.",
        "left      daily_tables: 2026-03-09: there was no time left",
        "1 sources are off; `gtm doctor` says which.",
        "Only Dagster's daemon looks at: own_conditions.",
    ]


def test_the_second_at_once_ends_with_a_code_of_its_own(command: Command, home: Path) -> None:
    home.mkdir()
    settings.cache_clear()
    with closing(open_state(settings().state_url)) as state, holding(state, LEASE, "sync_stripe: window 2026-03-09"):
        answer = command("run", "--due")
    assert answer.exit_code == 75
    assert "another `gtm run --due` is at it, process" in answer.stderr
    assert "sync_stripe: window 2026-03-09" in answer.stderr


def test_with_every_source_off_nothing_is_due(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_NOW", datetime(2026, 3, 10, 8, tzinfo=UTC).isoformat())
    answer = command("run", "--due", "--dry-run")
    assert answer.exit_code == 0, answer.output
    assert "sources are off; `gtm doctor` says which." in answer.stdout
    assert answer.stdout.splitlines()[-1].endswith("Nothing was done.")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Give either SELECTION with --partition, or --due."),
        (["core/revenue", "--due"], "Give either SELECTION with --partition, or --due."),
        (["core/revenue"], "Name the partition, too"),
        (["core/revenue", "--partition", "2026-03-01", "--dry-run"], "belong to --due"),
        (["--due", "--partition", "2026-03-01"], "--due chooses partitions by itself"),
        (["--due", "--max-minutes", "0"], "--max-minutes"),
    ],
)
def test_what_does_not_go_together_is_refused(command: Command, arguments: list[str], sentence: str) -> None:
    answer = command("run", *arguments)
    assert answer.exit_code == 2
    assert sentence in answer.stderr
