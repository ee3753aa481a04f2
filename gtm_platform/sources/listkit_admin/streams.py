"""ListKit's streams.

Accounts show how things stand when they are read, and change with every midnight, so they are read whole each time.
"""

from gtm_platform.ingest.source import Stream
from gtm_platform.sources.admin_contract import (
    daily_usage_stream,
    optional_list,
    updated_total,
    whole_list,
    whole_total,
)
from gtm_platform.sources.listkit_admin import records

STREAMS = (
    Stream(
        "accounts",
        records.Account,
        whole_list("/accounts"),
        sync_mode="full_refresh",
        totals=whole_total("/accounts"),
    ),
    daily_usage_stream(records.DailyUsage),
    Stream(
        "exports",
        records.Export,
        optional_list("/exports"),
        sync_mode="append_only",
        cursor_field="updated_at",
        totals=updated_total("/exports"),
    ),
)
