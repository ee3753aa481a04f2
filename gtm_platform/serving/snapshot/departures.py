"""Who left in the last month, how they stood when they did, and since when there had been a warning."""

import zlib
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import orjson

from gtm_platform.health.customer_health import NOT_AT_RISK
from gtm_platform.serving.metrics.metric import WINDOWS
from gtm_platform.serving.snapshot.landing import Draft, as_json

DAYS = max(WINDOWS)  # within which somebody left who is listed
WARNING_DAYS = 30  # before a customer left, in which a warning counts
WARNING_RISK = 50  # percent; a healthy score has it where the subscription is set to end, or cancelling was mentioned


def fill(draft: Draft) -> None:
    """Write them, the latest first; customers and alerts have to be written."""
    since = (date.fromisoformat(draft.landing.day) - timedelta(days=DAYS)).isoformat()
    rows = draft.db.execute(
        """select customer_id, churned_at, assigned_am, history, (
                select count(*) from alerts where subject_id = customer_id and at < churned_at
            ) from customers join documents using (id)
            where customer_status = 'churned' and substr(churned_at, 1, 10) > ? order by churned_at desc, id""",
        (since,),
    ).fetchall()
    draft.db.executemany(
        "insert into departures (customer_id, day, account_manager, mrr, foreseen, body) values (?, ?, ?, ?, ?, ?)",
        map(_row, rows),
    )


def _row(left: tuple[str, str, str, bytes, int]) -> tuple[Any, ...]:
    customer_id, churned_at, manager, history, alerts = left
    days = list(_days_as_customer(orjson.loads(zlib.decompress(history)), churned_at))
    last = days[-1] if days else None
    flagged = _flagged_since(days, churned_at[:10])
    body = {
        "customer_id": customer_id,
        "churned_at": churned_at,
        "last_day": last and last["day"],
        "mrr_before": last and last["mrr"],
        **{name: last and last[name] for name in ("health_score", "health_status", "churn_risk")},
        "flagged_since": flagged,
        "days_of_warning": (date.fromisoformat(churned_at[:10]) - date.fromisoformat(flagged)).days if flagged else 0,
        "alerts": alerts,
    }
    return customer_id, churned_at[:10], manager, (last and last["mrr"]) or 0, flagged is not None, as_json(body)


def _days_as_customer(history: dict[str, list[Any]], churned_at: str) -> Iterator[dict[str, Any]]:
    """Yield the days before the customer left on which it had a score, which only customers have."""
    for values in zip(*history.values(), strict=True):
        day = dict(zip(history, values, strict=True))
        if day["health_status"] and day["day"] < churned_at[:10]:
            yield day


def _flagged_since(days: list[dict[str, Any]], left: str) -> str | None:
    first = (date.fromisoformat(left) - timedelta(days=WARNING_DAYS)).isoformat()
    for day in days:
        is_flagged = day["health_status"] not in NOT_AT_RISK or (day["churn_risk"] or 0) >= WARNING_RISK
        if day["day"] >= first and is_flagged:
            return str(day["day"])
    return None
