"""`gtm --help` is there at once: it needs nothing of what the commands need."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import gtm_platform
from gtm_platform.cli import gtm

COMMANDS = (
    "accounts",
    "alerts",
    "audit",
    "backup",
    "canary",
    "dashboard",
    "demo",
    "doctor",
    "effect",
    "enrich",
    "erase",
    "export",
    "forecast",
    "health",
    "hooks",
    "hubspot",
    "identity",
    "import",
    "init",
    "key",
    "mcp",
    "policy",
    "publish",
    "query",
    "report",
    "restore",
    "run",
    "sandbox",
    "schema",
    "score",
    "serve",
    "tidy",
    "token",
    "trigger",
    "ui",
    "undo",
    "why",
)
LOADED = """
import sys
from gtm_platform.cli import gtm
gtm(["--help"], standalone_mode=False)
print("loaded:", sorted({"dagster", "ibis", "duckdb", "pandas", "pyarrow", "sklearn", "sqlalchemy"} & set(sys.modules)))
"""


def test_it_lists_the_commands() -> None:
    answer = CliRunner().invoke(gtm, ["--help"])
    assert answer.exit_code == 0
    listed = [line.split()[0] for line in answer.output.partition("Commands:")[2].strip().splitlines()]
    assert tuple(listed) == COMMANDS


def paths(group: click.Group = gtm, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command and group, as it is typed."""
    for name, command in group.commands.items():
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from paths(command, (*path, name))


@pytest.mark.parametrize("path", list(paths()), ids=" ".join)
def test_every_command_says_what_it_does_with_an_example(path: tuple[str, ...]) -> None:
    answer = CliRunner().invoke(gtm, [*path, "--help"])
    assert answer.exit_code == 0
    about, _, example = answer.output.partition("\n\n")[2].partition("Example:")
    assert about.strip()
    assert example.strip().startswith(f"gtm {path[0]}")


def test_it_loads_neither_dagster_nor_an_engine(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(gtm_platform.__file__).parents[1])}
    said = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert said.stdout.splitlines()[-1] == "loaded: []"


@pytest.mark.parametrize(
    "words", [["--home", "{}", "show", "stripe"], ["show", "stripe", "--home", "{}"], ["show", "--home={}", "stripe"]]
)
def test_the_home_of_a_group_may_stand_behind_its_command(words: list[str], tmp_path: Path) -> None:
    answer = CliRunner().invoke(gtm, ["hooks", *(word.format(tmp_path / "there") for word in words)])
    assert answer.exit_code == 0, answer.output
    assert str(tmp_path / "there") in answer.output
