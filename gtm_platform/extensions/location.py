"""What a code location of a person's own needs of the platform: its resources, and its tables declared."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from gtm_platform.lake.dagster.resource import resources


def platform_resources() -> Mapping[str, Any]:
    """Declare the platform's tables, and return `lake`, `catalogue` and `lake_frames` to use them."""
    import_module("gtm_platform.definitions")
    return resources()
