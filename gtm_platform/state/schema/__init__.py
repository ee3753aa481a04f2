"""The tables of the state, a module for each of what they are about. Personal data stay out: a row names records by
their ids. A change here needs a migration in `migrations/versions`.
"""

from gtm_platform.state.schema.base import VERSION, Credits, Instant, metadata
from gtm_platform.state.schema.decisions import experiments, identity_decisions
from gtm_platform.state.schema.hot_path import (
    canary_acts,
    canary_sightings,
    hot_companies,
    hot_company_tables,
    hot_comparisons,
    hot_cursor,
    hot_customers,
    hot_runs,
    hot_switches,
    hot_tables,
)
from gtm_platform.state.schema.hubspot import (
    ASSOCIATED,
    RECORD_ID,
    hubspot_confirmed,
    hubspot_deliveries,
    hubspot_rejections,
    hubspot_sweeps,
    hubspot_writes,
)
from gtm_platform.state.schema.messages import (
    actions,
    slack_messages,
    trigger_messages,
    trigger_stops,
    trigger_subscriptions,
    trigger_values,
)
from gtm_platform.state.schema.reading import (
    bought_answers,
    credit_reservations,
    dropped_files,
    hook_counts,
    hook_events,
    source_use,
)
from gtm_platform.state.schema.running import due_marks, leases, published_days, run_beats, sync_requests
from gtm_platform.state.schema.trust import accounts, api_tokens, audit, erasures, suppressions

__all__ = [
    "ASSOCIATED",
    "RECORD_ID",
    "VERSION",
    "Credits",
    "Instant",
    "accounts",
    "actions",
    "api_tokens",
    "audit",
    "bought_answers",
    "canary_acts",
    "canary_sightings",
    "credit_reservations",
    "dropped_files",
    "due_marks",
    "erasures",
    "experiments",
    "hook_counts",
    "hook_events",
    "hot_companies",
    "hot_company_tables",
    "hot_comparisons",
    "hot_cursor",
    "hot_customers",
    "hot_runs",
    "hot_switches",
    "hot_tables",
    "hubspot_confirmed",
    "hubspot_deliveries",
    "hubspot_rejections",
    "hubspot_sweeps",
    "hubspot_writes",
    "identity_decisions",
    "leases",
    "metadata",
    "published_days",
    "run_beats",
    "slack_messages",
    "source_use",
    "suppressions",
    "sync_requests",
    "trigger_messages",
    "trigger_stops",
    "trigger_subscriptions",
    "trigger_values",
]
