"""The metrics of the house as cards: what they are now, how they moved, and their trend."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Literal

import orjson
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gtm_platform.dashboard.wording import money, number, percent, plain
from gtm_platform.serving.metrics import Metric, discover
from gtm_platform.serving.metrics.metric import Trend
from gtm_platform.serving.store import Snapshot

DeltaColour = Literal["normal", "inverse", "off"]
CHANGE_DAYS = 7
TREND_DAYS = 30  # shown in a card
DELTA_COLOURS: dict[Trend | None, DeltaColour] = {"rise": "normal", "fall": "inverse", None: "off"}


@dataclass(frozen=True)
class Figures:
    """The facts of a snapshot that metrics are shown from, each read once."""

    snapshot: Snapshot

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Every metric now, with its changes, and the spread by each dimension."""
        return dict(orjson.loads(self.snapshot.fact("summary")))

    @cached_property
    def _trend(self) -> dict[str, Any]:
        return dict(orjson.loads(self.snapshot.fact("trend")))

    @property
    def currency(self) -> str:
        """The reporting currency."""
        return str(self.summary["currency"])

    @property
    def days(self) -> list[str]:
        """The days that are shown."""
        return list(self._trend["days"])

    def value(self, name: str) -> float | None:
        """Return what a metric is now."""
        value: float | None = self.summary["metrics"][name]["value"]
        return value

    def trend(self, name: str) -> list[float | None]:
        """Return what a metric was on each of the days."""
        return list(self._trend["metrics"][name])

    def change(self, name: str, days: int = CHANGE_DAYS) -> tuple[float, int] | None:
        """Return the change in so many days; in a young home since its first day, with the number of days."""
        now = self.value(name)
        first = (date.fromisoformat(self.snapshot.as_of) - timedelta(days=days)).isoformat()
        earlier = [
            (day, value)
            for day, value in zip(self.days, self.trend(name), strict=True)
            if first <= day < self.snapshot.as_of and value is not None
        ]
        if now is None or not earlier:
            return None
        day, then = earlier[0]
        return now - then, (date.fromisoformat(self.snapshot.as_of) - date.fromisoformat(day)).days

    def text(self, name: str, value: float | None) -> str:
        """Return a value in the unit of the metric."""
        return in_unit(discover()[name], value, self.currency)


def in_unit(metric: Metric, value: float | None, currency: str) -> str:
    """Return a value of a metric as text."""
    if metric.unit == "money":
        return money(value, currency)
    return percent(value, 1) if metric.unit == "share" else number(value, metric.decimals)


def cards(figures: Figures, names: Sequence[str], days: int = CHANGE_DAYS) -> None:
    """Draw metrics side by side with their changes in so many days; on a phone one below the other."""
    for column, name in zip(st.columns(len(names)), names, strict=True):
        with column:
            card(figures, name, days)


def card_row() -> DeltaGenerator:
    """Return the container of a row of cards, which wraps where it is too narrow for all."""
    return st.container(horizontal=True, gap="small")


def plain_card(title: str, value: str, about: str | None = None, **more: Any) -> None:
    """Draw a figure that is no metric of the house; `value` is Markdown."""
    st.metric(title, value, help=about, border=True, height="stretch", **more)


def card(figures: Figures, name: str, change_days: int = CHANGE_DAYS) -> None:
    """Draw a metric with its change and its trend."""
    metric, value = discover()[name], figures.value(name)
    trend = [each for each in figures.trend(name)[-TREND_DAYS:] if each is not None]
    delta, days = _delta(figures, metric, change_days)
    st.metric(
        plain(metric.title),
        plain(figures.text(name, value)),
        delta,
        delta_color=DELTA_COLOURS[metric.good],
        delta_description=f"in {days} d" if days else None,
        help=f"{plain(metric.formula.capitalize())}\\. {plain(metric.about)}",
        border=True,
        height="stretch",
        chart_data=trend if len(trend) > 1 else None,
        chart_type="area",
    )


def _delta(figures: Figures, metric: Metric, days: int) -> tuple[str | int | None, int]:
    """Return how the metric moved, as text, and over how many days; amounts in percent."""
    moved = figures.change(metric.name, days)
    if moved is None:
        return None, 0
    change, days = moved
    before = (figures.value(metric.name) or 0) - change
    if metric.unit == "money" and before:
        text = f"{change / before * 100:+.1f}%"
    elif metric.unit == "share":
        text = f"{change * 100:+.1f} pp"
    else:
        text = f"{change:+,.{metric.decimals}f}"
    return (text if any(digit in text for digit in "123456789") else 0), days
