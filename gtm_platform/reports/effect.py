"""What the platform changes, as sections of reports: experiments, and the metrics of success."""

from gtm_platform.intelligence.effect.effect import TABLE as EFFECT
from gtm_platform.intelligence.effect.success import METRICS
from gtm_platform.intelligence.effect.success import TABLE as SUCCESS
from gtm_platform.lake.expressions.money import minor_units
from gtm_platform.reports.content import Cell, Column, Table
from gtm_platform.reports.figures import Figures, Row
from gtm_platform.reports.wording import money, number, percent
from gtm_platform.serving.wording import NOTHING, words

NEWEST = "from days where starts_on = (select max(starts_on) from days) order by not is_primary, outcome"
TITLES = {"churn": "Churn", "mrr": "MRR a customer", "expansion": "Expansion a customer"}


def effect(figures: Figures) -> Table:
    """Return what the newest experiment shows, the registered outcome first."""
    rows = figures.newest_rows_of(EFFECT.key, NEWEST)
    name = f": {words(rows[0]['experiment'])}" if rows else ""
    return Table(
        f"What the platform changes{name}",
        [
            Column("Outcome"), Column("With it", "right"), Column("Without", "right"), Column("Difference", "right"),
            Column("Customers", "right"), Column("Verdict"),
        ],
        [
            [
                f"{TITLES[row['outcome']]}{' (registered)' if row['is_primary'] else ''}",
                _shown(figures, row, "mean_treated"),
                _shown(figures, row, "mean_withheld"),
                Cell(_shown(figures, row, "difference"), _interval(figures, row)),
                f"{number(row['treated'])} and {number(row['withheld'])}",
                words(row["verdict"]),
            ]
            for row in rows
        ],
        note="Intervals hold however often they are looked at; only the registered outcome proves anything."
        if rows
        else "",
        empty="Nothing is withheld from anybody, so that what the platform changes cannot be told.",
    )  # fmt: skip


def _shown(figures: Figures, row: Row, name: str) -> str:
    value = row[name]
    if value is None:
        return NOTHING
    if row["outcome"] == "churn":
        return percent(value, 1)
    return money(value / minor_units(figures.currency), figures.currency)


def _interval(figures: Figures, row: Row) -> str:
    if row["low"] is None:
        return ""
    return f"{_shown(figures, row, 'low')} to {_shown(figures, row, 'high')}"


def success(figures: Figures) -> Table:
    """Return the metrics of success, each with what it is compared with and how it was measured."""
    rows = {row["metric"]: row for row in figures.newest_rows_of(SUCCESS.key, "from days")}
    return Table(
        "Success",
        [Column("Metric"), Column("Now", "right"), Column("Compared with", "right", width="24%"), Column("How")],
        [
            [
                metric.title,
                Cell(_value(figures, metric.unit, rows[name]["value"]), words(rows[name]["basis"])),
                Cell(_value(figures, metric.unit, rows[name]["baseline"]), rows[name]["baseline_is"]),
                rows[name]["how"],
            ]
            for name, metric in METRICS.items()
            if name in rows
        ],
        empty="Measured with the next daily run.",
    )


def _value(figures: Figures, unit: str, value: float | None) -> str:
    if value is None:
        return NOTHING
    if unit == "money":
        return money(value, figures.currency)
    return percent(value, 1) if unit == "share" else number(value)
