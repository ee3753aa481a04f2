"""Cards of metrics: the figure, and how it moved over the period."""

from gtm_platform.reports.content import Card, Tone
from gtm_platform.reports.figures import Figures
from gtm_platform.reports.wording import money, number, percent, short_money, signed
from gtm_platform.serving.metrics import Metric, discover
from gtm_platform.serving.metrics.families.movements import SHAPES

TITLES = {name: (title, unit, good) for name, title, unit, _, good, _ in SHAPES}


def metric_card(figures: Figures, name: str) -> Card:
    """Return the card of a metric of current customers, with its change over the period."""
    metric, value, change = discover()[name], figures.value(name), figures.change(name)
    before = figures.value(name, figures.before) if figures.before else None
    return Card(
        name,
        metric.title,
        value,
        _shown(metric, value, figures.currency),
        _change(metric, change, before),
        _tone(metric.good, change),
    )


def movement_card(figures: Figures, name: str) -> Card:
    """Return the card of a movement over the period."""
    title, unit, _ = TITLES[name]
    value = figures.movement(name)
    shown = {"money": short_money(value, figures.currency), "share": percent(value)}.get(unit, number(value))
    return Card(name, title, value, shown)


def _shown(metric: Metric, value: float | None, currency: str) -> str:
    if metric.unit == "money":
        return short_money(value, currency)
    return percent(value) if metric.unit == "share" else number(value, metric.decimals)


def _change(metric: Metric, change: float | None, before: float | None) -> str:
    """Return the change in words: money in percent, where there was any."""
    if change is None:
        return ""
    if metric.unit == "money":
        return signed(percent(change / before)) if before else signed(money(change, "usd").replace("$", ""))
    if metric.unit == "share":
        return signed(number(change * 100, 1)) + " points"
    return signed(number(change, metric.decimals))


def _tone(good: str | None, change: float | None) -> Tone:
    if not change or good is None:
        return ""
    return "good" if (change > 0) == (good == "rise") else "bad"
