"""What changed since last week, or last month."""

from dataclasses import dataclass
from typing import Any

import orjson

from gtm_platform.serving.answers.churned import Churned, churned
from gtm_platform.serving.answers.mrr_movement import MrrMovement, mrr_movement
from gtm_platform.serving.metrics import discover
from gtm_platform.serving.metrics.metric import LEAST_POINTS, WINDOWS
from gtm_platform.serving.store import CustomerQuery, Page, Snapshot

LEAST, LISTED = LEAST_POINTS, 20


@dataclass(frozen=True)
class Changes:
    """What moved in some days; scores are compared over 7 days, whatever the window is."""

    days: int
    currency: str
    metrics: dict[str, dict[str, float | None]]  # each with its changes; of movements those of the window
    mrr: MrrMovement | None
    fell: Page
    churned: Churned


def changes(
    snapshot: Snapshot,
    days: int,
    *,
    personal: bool,
    account_manager: str | None = None,
    least: int = LEAST,
    limit: int = LISTED,
) -> Changes:
    """Return what changed; lists are of one account manager's customers where it is named."""
    mine: dict[str, list[Any]] = {} if account_manager is None else {"account_manager": [account_manager]}
    fell = CustomerQuery({**mine, "change_max": [-least]}, "score_change_7d", limit)
    summary = orjson.loads(snapshot.fact("summary"))
    served = summary["metrics"]  # a snapshot that the version of before made has fewer
    other_windows = tuple(f"_{window}d" for window in WINDOWS if window != days)
    return Changes(
        days,
        summary["currency"],
        {name: served[name] for name in discover() if name in served and not name.endswith(other_windows)},
        mrr_movement(summary, days),
        snapshot.customers(fell),
        churned(snapshot, days, personal=personal, account_manager=account_manager, limit=limit),
    )
