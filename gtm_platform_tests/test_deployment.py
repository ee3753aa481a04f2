"""An installed package brings the files that a checkout shows at its top."""

from pathlib import Path

import pytest

import gtm_platform

PACKAGE = Path(gtm_platform.__file__).parent


@pytest.mark.parametrize("name", ["dagster.yaml", "workspace.yaml"])
def test_the_packaged_file_is_the_one_at_the_top(name: str) -> None:
    assert (PACKAGE / "deployment" / name).read_text() == (PACKAGE.parent / name).read_text()
