"""What `dagster dev` prints becomes a sentence for each failure."""

import io
from pathlib import Path

import pytest

from gtm_platform.cli.dagster_log import relay, sentences

RUN = "deliver - 6b4aeb25-aa27-4542-b469-aee77ace770e - 21959"
TRACE = ["", "Stack Trace:", '  File "execute_plan.py", line 243, in step', "    yield from check", ""]
STEP = [
    f'2026-11-28 21:13:54 +0000 - dagster - ERROR - {RUN} - delivery__x - STEP_FAILURE - Execution of step "x" failed.',
    "",
    "dagster._core.definitions.events.Failure: The home belongs to HubSpot portal 1.",
    *TRACE,
    "The above exception was caused by the following exception:",
    "gtm_platform.accounts.OtherAccount: The home belongs to HubSpot portal 1.",
    *TRACE,
]
WHOLE_RUN = [
    f'2026-11-28 21:13:55 +0000 - dagster - ERROR - {RUN} - RUN_FAILURE - Execution of run for "deliver" failed.',
    "",
    "dagster._core.definitions.events.Failure: The home belongs to HubSpot portal 1.",
    *TRACE,
]
SENSOR = [
    "2026-11-28 21:14:00 +0000 - dagster.daemon.SensorDaemon - ERROR - Sensor daemon caught an error for sensor x",
    "Traceback (most recent call last):",
    '  File "sensor.py", line 1, in tick',
    "ValueError: policy.toml, line 3: a number is needed.",
]


def test_a_run_that_failed_is_one_sentence() -> None:
    assert list(sentences([*STEP, *WHOLE_RUN])) == [
        "21:13:55 deliver failed (run 6b4aeb25): The home belongs to HubSpot portal 1."
    ]


def test_so_is_a_sensor_that_failed() -> None:
    expected = "21:14:00 Sensor daemon caught an error for sensor x: policy.toml, line 3: a number is needed."
    assert list(sentences(SENSOR)) == [expected]


def test_a_failure_without_an_exception_is_its_header() -> None:
    warning = "2026-11-28 21:14:00 +0000 - dagster.daemon - WARNING - The daemon was late."
    assert next(sentences([warning, *SENSOR])) == "21:14:00 The daemon was late."
    assert list(sentences([warning])) == ["21:14:00 The daemon was late."]


def test_a_bare_traceback_is_its_last_line() -> None:
    lines = ["Traceback (most recent call last):", '  File "x.py", line 1', "ModuleNotFoundError: No module named 'x'"]
    assert list(sentences(lines)) == ["Dagster: No module named 'x'"]


def test_other_lines_are_shown_as_they_are() -> None:
    assert list(sentences(["Serving on port 3000\n", "\n"])) == ["Serving on port 3000"]


def test_the_whole_of_it_is_kept_in_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "\n".join([*STEP, *WHOLE_RUN, *SENSOR]) + "\n"
    relay(io.StringIO(text), tmp_path / "ui.log")
    assert (tmp_path / "ui.log").read_text() == text
    assert len(capsys.readouterr().out.splitlines()) == 2
