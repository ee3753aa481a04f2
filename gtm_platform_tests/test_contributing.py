"""What CONTRIBUTING.md promises of the hooks, and what CI runs beside the suite."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]


def hooks() -> dict[str, Any]:
    """The hooks by their ids."""
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert set(config["default_install_hook_types"]) == {"pre-commit", "commit-msg"}, "installed by one command"
    assert config["default_stages"] == ["pre-commit"], "else lint would look at messages, too"
    return {hook["id"]: hook for repository in config["repos"] for hook in repository["hooks"]}


@pytest.mark.parametrize(("length", "refused"), [(72, False), (73, True)])
def test_a_subject_of_more_than_72_characters_is_refused(tmp_path: Path, length: int, refused: bool) -> None:
    hook = hooks()["subject"]
    assert hook["stages"] == ["commit-msg"]
    program, *arguments = shlex.split(hook["entry"])
    assert program == ".venv/bin/python"
    message = tmp_path / "message"
    message.write_text("é" * length + "\n\n" + "A body may have longer lines. " * 5 + "\n")
    ran = subprocess.run([sys.executable, *arguments, str(message)], capture_output=True, text=True, check=False)
    assert bool(ran.returncode) == refused
    assert (f"The subject has {length} characters, of 72 at most" in ran.stderr) == refused


def test_the_optional_steps_of_ci_name_tests_and_targets_that_there_are() -> None:
    script, makefile = (ROOT / ".ci/run").read_text(), (ROOT / "Makefile").read_text()
    tests = re.findall(r"gtm_platform_tests/[^\s)]+", script)
    assert {"gtm_platform_tests/engines", "gtm_platform_tests/orchestration/test_postgres.py"} < set(tests)
    assert [path for path in tests if not (ROOT / path).exists()] == []
    for target in re.findall(r"make ([a-z-]+)", script):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
