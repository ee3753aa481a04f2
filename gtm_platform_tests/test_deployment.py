"""How it is deployed: files that travel with the package, and settings that fit each other."""

import re
import shutil
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from gtm_platform.lake.lake import GRACE
from gtm_platform.orchestration.graph_policy import LONGEST_RUN

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gtm_platform"
PACKAGED = ("deployment/dagster.yaml", "deployment/workspace.yaml", "policy/policy.toml", "py.typed")


def test_a_wheel_brings_every_file_that_is_in_no_module() -> None:
    """Modules are brought with their packages; folders that are none, and other files, have to be named."""
    setuptools = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["tool"]["setuptools"]
    named = {path for pattern in setuptools["package-data"]["gtm_platform"] for path in PACKAGE.glob(pattern)}
    present = {path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    brought = {path for path in present if path.suffix == ".py" and (path.parent / "__init__.py").exists()}
    assert present - brought - named == set()


@pytest.mark.parametrize("name", ["dagster.yaml", "workspace.yaml"])
def test_the_files_at_the_root_are_those_of_the_package(name: str) -> None:
    """Plain `dagster dev` reads the ones at the root, `gtm` and an installed wheel those of the package."""
    assert (ROOT / name).read_text() == files("gtm_platform").joinpath("deployment", name).read_text()


@pytest.mark.parametrize("name", PACKAGED)
def test_what_is_no_python_travels_with_the_package(name: str) -> None:
    packaged = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    assert any(Path(name).match(pattern) for pattern in packaged["gtm_platform"])
    assert files("gtm_platform").joinpath(name).is_file()


def test_migrations_travel_with_the_package() -> None:
    assert [entry.name for entry in files("gtm_platform").joinpath("state/migrations/versions").iterdir()]


def test_a_superseded_file_outlives_the_longest_run() -> None:
    assert LONGEST_RUN.total_seconds() < GRACE
    settings = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    assert settings["run_monitoring"]["max_runtime_seconds"] <= LONGEST_RUN.total_seconds()


def test_only_the_job_of_a_source_may_run_that_long() -> None:
    from gtm_platform.definitions import defs

    jobs = {name: defs.resolve_job_def(name) for name in ("sync_hubspot", "daily_tables", "deliver")}
    limits = {name: job.tags.get("dagster/max_runtime") for name, job in jobs.items()}
    assert limits == {"sync_hubspot": str(int(LONGEST_RUN.total_seconds())), "daily_tables": None, "deliver": None}


def test_one_pool_slot_keeps_two_writers_of_a_table_apart() -> None:
    settings = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    assert settings["concurrency"]["pools"] == {"default_limit": 1, "granularity": "op"}


def test_cleaning_up_never_deletes_a_home(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    homes = [tmp_path / name for name in (".gtm", ".gtm-demo", "my-home")]
    for folder in (*homes, tmp_path / ".venv", tmp_path / ".mypy_cache"):
        (folder / "lake" / "core").mkdir(parents=True)
        (folder / "state.db").touch()
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".gtm", ".gtm-demo", "Makefile", "my-home"]
    assert all((home / "lake" / "core").is_dir() and (home / "state.db").exists() for home in homes)


def compose() -> dict[str, Any]:
    """The example of a deployment in containers."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docs/examples/compose.yaml").read_text())
    return loaded


def test_the_containers_run_programs_of_the_package_by_variables_that_it_reads() -> None:
    ours = {name: each for name, each in compose()["services"].items() if each["image"] == "gtm-platform"}
    assert set(ours) == {"prepare", "code", "webserver", "daemon", "api", "dashboard", "due", "hot"}
    programs = Path(sys.executable).parent
    known = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    for name, service in ours.items():
        assert (programs / service["command"].split()[0]).exists(), name
        assert set(service["environment"]) - {"DAGSTER_HOME"} <= known, name
        assert service["environment"]["DAGSTER_HOME"] == f"{service['environment']['GTM_HOME']}/dagster", name
    build, examples = ours["code"]["build"], ROOT / "docs/examples"
    assert (examples / build["context"] / build["dockerfile"]).resolve() == examples / "Dockerfile"


def test_the_containers_find_each_other() -> None:
    services, configs = compose()["services"], compose()["configs"]
    [location] = yaml.safe_load(configs["workspace"]["content"])["load_from"]
    assert location["grpc_server"]["host"] in services
    assert f"--port {location['grpc_server']['port']} " in services["code"]["command"]
    addresses = {name: services["code"]["environment"][name] for name in ("GTM_DAGSTER_URL", "GTM_STATE_URL")}
    assert {address.rpartition("@")[2].split("/")[0] for address in addresses.values()} == {"postgres"}
    databases = {address.rpartition("/")[2] for address in addresses.values()}
    assert databases == {services["postgres"]["environment"]["POSTGRES_DB"], "gtm"}
    assert configs["state"]["content"] == "create database gtm;"
