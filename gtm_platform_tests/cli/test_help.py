"""`gtm --help` is there at once: it needs nothing of what the commands need."""

import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

import gtm_platform
from gtm_platform.cli import gtm

COMMANDS = ("demo", "doctor", "query", "run", "sandbox", "tidy", "ui", "undo")
LOADED = """
import sys
from gtm_platform.cli import gtm
gtm(["--help"], standalone_mode=False)
print("loaded:", sorted({"dagster", "ibis", "duckdb", "pandas", "pyarrow", "sqlalchemy"} & set(sys.modules)))
"""


def test_it_lists_the_commands() -> None:
    answer = CliRunner().invoke(gtm, ["--help"])
    assert answer.exit_code == 0
    listed = [line.split()[0] for line in answer.output.partition("Commands:")[2].strip().splitlines()]
    assert tuple(listed) == COMMANDS


def test_every_command_says_what_it_does() -> None:
    for name in COMMANDS:
        answer = CliRunner().invoke(gtm, [name, "--help"])
        assert answer.exit_code == 0
        assert answer.output.partition("\n\n")[2].strip()


def test_it_loads_neither_dagster_nor_an_engine(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(gtm_platform.__file__).parents[1])}
    said = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert said.stdout.splitlines()[-1] == "loaded: []"
