"""Which daily figures of tables are unlike those of the weeks before, with their history to plot."""

from datetime import date, timedelta
from typing import Any

from gtm_platform.quality.odd_figures import ANOMALIES, JUDGED_LAST, OddFigure, odd_figures
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft

DAYS, LISTED = 30, 100
DIGITS = 6  # of a figure: enough for any plot


def make(draft: Draft) -> dict[str, Any]:
    """Return the figures that were odd in the last days, those that are odd now first."""
    lake = draft.landing.lake
    newest = max(lake.partitions(ANOMALIES), default="")
    figures = odd_figures(lake, DAYS)
    since = date.fromisoformat(newest) - timedelta(days=JUDGED_LAST - 1) if newest else date.max
    listed = sorted(figures, key=lambda each: (each.day < since, -each.day.toordinal()))[:LISTED]
    return {
        "as_of": draft.landing.day,
        "judged_day": newest or None,
        "days": DAYS,
        "now": sum(each.day >= since for each in figures),
        "figures": [_row(each, is_now=each.day >= since) for each in listed],
    }


def _row(figure: OddFigure, *, is_now: bool) -> dict[str, Any]:
    return {
        "table": figure.subject,
        "metric": figure.metric,
        "kind": figure.kind,
        "day": str(figure.day),
        "since": str(figure.since),
        "value": _rounded(figure.value),
        "expected": _rounded(figure.expected),
        "change": None if figure.change is None else round(figure.change, 4),
        "is_now": is_now,
        "history": [_rounded(value) for value in figure.history],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")


FACT = Fact("anomalies", "Daily figures of the last 30 days that are unlike those of the weeks before.", make)
