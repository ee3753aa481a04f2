"""What holds for every asset of the graph: owners, partitions, freshness, how days read windows."""

from datetime import timedelta

import dagster as dg

from gtm_platform.orchestration.first_day import first_day

OWNERS = ["team:data"]
FIRST_DAY = first_day()
DAYS = dg.DailyPartitionsDefinition(start_date=FIRST_DAY.isoformat(), end_offset=1)
# A day reads the windows that begin in it and those before it back to the last full refresh, which is a week old at
# most. Yesterday's last window closes after midnight.
WINDOWS_READ_DAYS = 7
DAY_OF_WINDOWS = dg.TimeWindowPartitionMapping(
    start_offset=-WINDOWS_READ_DAYS, allow_nonexistent_upstream_partitions=True
)
LONGEST_RUN = timedelta(hours=12)  # the first sync of a large account; others end earlier, by dagster.yaml
DAILY_FRESHNESS = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36), warn_window=timedelta(hours=26))
GRACE = timedelta(hours=36)  # after the time between two runs, for what is made each week, month or quarter
DAILY_TAG = "gtm/daily"  # on every daily table: the job and the sensors select by it
SOURCE_TAG = "source"  # on every table of a source and its job, with the source's name
DAILY_POOL = "daily_tables"  # two runs never write the same day at once


def made_each(days: int) -> dg.FreshnessPolicy:
    """Return the freshness of what is made once in so many days at most."""
    every = timedelta(days=days)
    return dg.FreshnessPolicy.time_window(fail_window=every + GRACE, warn_window=every + GRACE / 2)


def earlier_days(nearest: int, furthest: int) -> dg.TimeWindowPartitionMapping:
    """Map a day to the days before it, from the furthest to the nearest."""
    return dg.TimeWindowPartitionMapping(
        start_offset=-furthest, end_offset=-nearest, allow_nonexistent_upstream_partitions=True
    )
