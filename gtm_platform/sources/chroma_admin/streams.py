"""Chroma's streams.

Accounts and instances show how things stand when they are read, and the smallest panels cannot say what changed, so
both are read whole each time.
"""

from gtm_platform.ingest.source import Stream
from gtm_platform.sources.admin_contract import daily_usage_stream, optional_list, whole_list, whole_total
from gtm_platform.sources.chroma_admin import records

STREAMS = (
    Stream(
        "accounts",
        records.Account,
        whole_list("/accounts"),
        sync_mode="full_refresh",
        totals=whole_total("/accounts"),
    ),
    Stream(
        "instances",
        records.Instance,
        optional_list("/instances"),
        sync_mode="full_refresh",
        totals=whole_total("/instances"),
    ),
    daily_usage_stream(records.DailyUsage),
)
