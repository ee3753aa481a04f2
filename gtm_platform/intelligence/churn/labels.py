"""Who churned after a day, by the billing history: computed only where the 90 days after it are over.

What counts as a churn is what the back-test of health counts (`health.backtest_history`).
"""

from collections.abc import Sequence
from datetime import date, timedelta

import pyarrow as pa

from gtm_platform.health.backtest_history import HORIZON, history_of
from gtm_platform.intelligence.churn.features import FEATURES
from gtm_platform.intelligence.churn.features import TABLE as FEATURE_TABLE
from gtm_platform.intelligence.models.monthly import HAPPENED_ON, OUTCOME, require_over
from gtm_platform.lake.lake import Lake


def labelled(lake: Lake, days: Sequence[date]) -> pa.Table:
    """Return [customer_id, day, outcome, happened_on, …features] of who is in scope on some days.

    Customers that were merged are one. Nothing is used that came after the horizon of the latest of the days.
    """
    until = require_over(lake, "core/revenue", days, timedelta(days=HORIZON))
    with history_of(lake, until) as history:
        rows = history.outcomes(FEATURE_TABLE.key, FEATURES, days)
    ours = {"churned": OUTCOME, "churned_on": HAPPENED_ON}
    return rows.rename_columns([ours.get(name, name) for name in rows.schema.names])
