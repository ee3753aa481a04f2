"""What a run asks of a delivery: for which days, and whether it is a dry run. Only the newest day is delivered."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import dagster as dg
from pydantic import Field

from gtm_platform.orchestration.origin import DAY_TAG, partition_span

DELIVERIES_READ = 1_000  # the newest; there are a few a day


class DeliveryConfig(dg.Config):
    """For the launchpad."""

    day: str = Field("", description="Deliver only if this is the newest day, such as 2026-03-02; empty is the newest.")
    dry_run: bool = Field(False, description="Show what would be done, and do nothing outside.")


def requested_days(tags: Mapping[str, str], config: DeliveryConfig, newest: str) -> list[str]:
    """Return the days that a run's config or tags name, or the newest day if they name none."""
    if config.day:
        return [config.day]
    if day := tags.get(DAY_TAG):
        return [day]
    span = partition_span(tags)
    return _days(span[0][:10], span[1][:10]) if span else [newest]


def _days(first: str, last: str) -> list[str]:
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    return [str(begin + timedelta(days=n)) for n in range((end - begin).days + 1)]


def delivered_days(instance: dg.DagsterInstance, delivery: dg.AssetKey) -> set[str]:
    """Return the days that were delivered, which a delivery without partitions keeps in its metadata."""
    made = instance.fetch_materializations(delivery, limit=DELIVERIES_READ).records
    materializations = [record.asset_materialization for record in made if record.asset_materialization]
    return {str(each.metadata["day"].value) for each in materializations if "day" in each.metadata}


def is_dry_run(run_config: Mapping[str, Any]) -> bool:
    """Whether any delivery of the run is a dry one: then none of them does anything outside."""
    ops = (run_config.get("ops") or {}).values()
    return any(bool(((op or {}).get("config") or {}).get("dry_run")) for op in ops)
