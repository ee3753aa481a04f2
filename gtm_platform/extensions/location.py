"""What the graph and a person's own code location need alike: resources, declared tables, the rules of syncing."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from gtm_platform.ingest.plan import SyncRules
from gtm_platform.lake.dagster.resource import resources
from gtm_platform.policy import policy


def sync_rules() -> SyncRules:
    """Take the rules of syncing from the policy as it is now: sources know none of it."""
    rules = policy()
    return SyncRules(**rules.sync.model_dump(), limit_share=rules.limits.share_of)


def platform_resources() -> Mapping[str, Any]:
    """Declare the platform's tables, and return `lake`, `catalogue` and `lake_frames` to use them."""
    import_module("gtm_platform.definitions")
    return resources()
