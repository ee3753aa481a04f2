"""What stands at the top of every page: each metric now, how it moved, and how the customers are spread."""

from datetime import date, timedelta
from typing import Any

from gtm_platform.serving.metrics import DIMENSIONS, discover
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft, instant

CHANGES = (7, 30)
SPREAD = ("customers", "mrr", "at_risk", "mrr_at_risk", "mean_health")  # by each dimension


def make(draft: Draft) -> dict[str, Any]:
    """Return the summary of the newest day."""
    landing = draft.landing
    return {
        "as_of": landing.day,
        "made_at": instant(landing.made_at),
        "currency": landing.rules.money.reporting_currency,
        "metrics": {name: _moved(draft, name) for name in discover()},
        "by": {dimension: _spread(draft, dimension) for dimension in DIMENSIONS},
        "signals": _signals(draft),
    }


def _moved(draft: Draft, name: str) -> dict[str, float | None]:
    decimals, day = discover()[name].decimals, draft.landing.day
    now = draft.value(name, day)
    moved: dict[str, float | None] = {"value": _rounded(now, decimals)}
    for days in CHANGES:
        then = draft.value(name, (date.fromisoformat(day) - timedelta(days=days)).isoformat())
        moved[f"change_{days}d"] = _rounded(now - then, decimals) if now is not None and then is not None else None
    return moved


def _rounded(value: float | None, decimals: int) -> float | None:
    return None if value is None else round(value, decimals)


def _spread(draft: Draft, dimension: str) -> list[dict[str, Any]]:
    """Return the members of a dimension, the one with the most MRR first."""
    values = {name: draft.by_member(name, dimension, draft.landing.day) for name in SPREAD}
    members = sorted(values["customers"], key=lambda member: (-values["mrr"].get(member, 0), member))
    return [
        {
            "member": member or None,
            **{name: _rounded(values[name].get(member), discover()[name].decimals) for name in SPREAD},
        }
        for member in members
    ]


def _signals(draft: Draft) -> list[dict[str, Any]]:
    """Return each risk signal of current customers, with how many have it and what they pay."""
    counted: dict[str, tuple[int, float]] = {}
    query = "select risk_signals, max(mrr_reporting, 0) from customers where is_customer = 1"
    for signals, mrr in draft.db.execute(query):
        for signal in filter(None, signals.split("|")):
            customers, total = counted.get(signal, (0, 0.0))
            counted[signal] = (customers + 1, total + mrr)
    ordered = sorted(counted.items(), key=lambda item: (-item[1][0], item[0]))
    return [{"signal": name, "customers": count, "mrr": round(mrr, 2)} for name, (count, mrr) in ordered]


FACT = Fact("summary", "Each metric with its change, the spread by each dimension, and the signals.", make)
