"""Where the systems' descriptions of themselves lie: beside the repository, which holds none of them."""

from pathlib import Path

import pytest

SPECS = Path(__file__).parents[2].parent / "shared/specs"

needs_specs = pytest.mark.skipif(not SPECS.exists(), reason="the systems' descriptions are not beside this repository")
