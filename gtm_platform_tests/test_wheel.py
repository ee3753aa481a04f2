"""An installed wheel works without a checkout: its commands, a query of a home, and the definitions."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform_tests.tables import filled

pytestmark = pytest.mark.soak

ROOT = Path(__file__).parents[1]
OF_A_WHEEL = ("pyproject.toml", "README.md")  # beside the package
DEFINITIONS = """
from pathlib import Path
import dagster as dg
import gtm_platform
from gtm_platform.definitions import defs
from gtm_platform.policy import policy

dg.Definitions.validate_loadable(defs)
print(Path(gtm_platform.__file__).parents[1], len(defs.get_repository_def().schedule_defs), policy().hash)
"""

Run = Callable[..., str]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which a wheel was installed that was built of a copy: building leaves files beside the source."""
    folder = tmp_path_factory.mktemp("wheel")
    source, target = folder / "source", folder / "installed"
    shutil.copytree(ROOT / "gtm_platform", source / "gtm_platform", ignore=shutil.ignore_patterns("__pycache__"))
    for name in OF_A_WHEEL:
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    offline = ["--no-deps", "--no-index"]
    subprocess.run([*pip, "wheel", *offline, "--no-build-isolation", "-w", str(folder), str(source)], check=True)
    (wheel,) = folder.glob("gtm_platform-*.whl")
    subprocess.run([*pip, "install", *offline, "--target", str(target), str(wheel)], check=True)
    shutil.rmtree(source)
    return target


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Run:
    """Run a program of the wheel in an empty folder, with its packages before those of the checkout."""

    def run(*command: str) -> str:
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(installed), "PYTHONWARNINGS": "ignore"}
        ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    return run


def test_the_commands_are_there(installed: Path, run: Run) -> None:
    assert "Usage: gtm [OPTIONS] COMMAND" in run(str(installed / "bin/gtm"), "--help")


def test_a_home_is_queried(installed: Path, tmp_path: Path, run: Run) -> None:
    dana = {"customer_id": "a", "name": "Dana", "is_customer": True, "customer_status": "active"}
    rows = engine().to_pyarrow(filled("core/profile", dana))
    Lake(tmp_path / "home/lake").write("core/profile", "2026-03-01", rows)
    query = ["query", "select name from latest.profile", "--format", "csv", "--home", str(tmp_path / "home")]
    assert run(str(installed / "bin/gtm"), *query).split() == ["name", "Dana"]


def test_the_definitions_load(installed: Path, run: Run) -> None:
    place, schedules, policy_hash = run(sys.executable, "-c", DEFINITIONS).split()
    assert place == str(installed)
    assert int(schedules) > 20
    assert policy_hash, "the policy travels with the wheel"
