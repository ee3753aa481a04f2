"""Where a run comes from and which days it is about, read from its tags."""

from collections.abc import Mapping

import dagster as dg

BACKFILL_TAG = "dagster/backfill"
PARTITION_TAG = "dagster/partition"
FIRST_PARTITION_TAG = "dagster/asset_partition_range_start"
LAST_PARTITION_TAG = "dagster/asset_partition_range_end"
RETRY_TAG = "gtm/retry"  # the number of the try, on a run that asks for a window again
DAY_TAG = "gtm/day"  # the day that an unpartitioned run is about
PART_OF_TAG = "gtm/part_of"  # the run that started this one as a part of its own work
AUTOMATIC_TAGS = ("dagster/schedule_name", "dagster/sensor_name", PART_OF_TAG)

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def started_by_person(tags: Mapping[str, str]) -> bool:
    """Whether a person started just this run: a backfill, the UI or a command; no schedule or sensor."""
    return BACKFILL_TAG in tags or not any(tag in tags for tag in AUTOMATIC_TAGS)


def partition_tags(partitions: list[str]) -> dict[str, str]:
    """Return the tags of one run over these adjacent partitions."""
    if len(partitions) == 1:
        return {PARTITION_TAG: partitions[0]}
    return {FIRST_PARTITION_TAG: partitions[0], LAST_PARTITION_TAG: partitions[-1]}


def partition_span(tags: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the first and the last partition of a run; None for one without partitions."""
    first = tags.get(PARTITION_TAG) or tags.get(FIRST_PARTITION_TAG)
    last = tags.get(PARTITION_TAG) or tags.get(LAST_PARTITION_TAG)
    return (first, last) if first and last else None


def covers_any(tags: Mapping[str, str], days: list[str]) -> bool:
    """Whether a run is about one of the days; one without partitions is about all of them."""
    span = partition_span(tags)
    return span is None or any(span[0][:10] <= day <= span[1][:10] for day in days)
