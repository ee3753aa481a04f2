"""An installed package brings the files that a checkout shows at its top."""

import tomllib
from pathlib import Path

import pytest

import gtm_platform

PACKAGE = Path(gtm_platform.__file__).parent


@pytest.mark.parametrize("name", ["dagster.yaml", "workspace.yaml"])
def test_the_packaged_file_is_the_one_at_the_top(name: str) -> None:
    assert (PACKAGE / "deployment" / name).read_text() == (PACKAGE.parent / name).read_text()


def test_a_wheel_brings_every_file_that_is_in_no_module() -> None:
    """Modules are brought with their packages; folders that are none, and other files, have to be named."""
    setuptools = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["tool"]["setuptools"]
    named = {path for pattern in setuptools["package-data"]["gtm_platform"] for path in PACKAGE.glob(pattern)}
    files = {path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    brought = {path for path in files if path.suffix == ".py" and (path.parent / "__init__.py").exists()}
    assert files - brought - named == set()
