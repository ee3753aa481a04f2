"""Charts of money over months: movements, shares, the retention triangle, a forecast's band."""

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from gtm_platform.dashboard.charts import ACCENT, BAD, GOOD, INK, MUTED, WARN, Drawing, Rows

GRID = "#ecedea"
MONTH, MONTHS_NAMED = "%b %Y", 6
KINDS = {"level": ACCENT, "gain": GOOD, "loss": BAD}


def waterfall(rows: Rows, axis: str, height: int = 260) -> Drawing:
    """Return a bar from `begin` to `end` for each `name`, of a `kind`, with its `text` above."""
    data = pd.DataFrame([dict(row) for row in rows])
    data["top"] = data[["begin", "end"]].max(axis=1)
    moving = data.loc[data["kind"] != "level", ["begin", "end"]]
    lowest = float(moving.min().min()) if len(moving) else 0.0
    highest = float(data["top"].max())
    floor = max(0.0, lowest - (highest - lowest) * 0.6)  # else what moved could not be seen beside the whole
    data["begin"] = data["begin"].clip(lower=floor)
    x = alt.X("name:N", sort=list(data["name"]), title=None, axis=alt.Axis(labelAngle=0, labelColor=MUTED, ticks=False))
    y = alt.Y("begin:Q", title=None, axis=_amounts(axis), scale=alt.Scale(domain=[floor, highest * 1.02], nice=False))
    colour = alt.Color("kind:N", legend=None, scale=alt.Scale(domain=list(KINDS), range=list(KINDS.values())))
    base = alt.Chart(data, height=height)
    return alt.layer(
        base.mark_bar(size=38).encode(x=x, y=y, y2="end:Q", color=colour, tooltip=["name:N", "text:N"]),
        base.mark_text(dy=-8, color=INK, fontSize=12).encode(x=x, y=alt.Y("top:Q"), text="text:N"),
    )


def share_lines(rows: Rows, colours: Mapping[str, str], height: int = 220) -> Drawing:
    """Return a line for each `name` over `month`, of the share `value`."""
    data = pd.DataFrame([dict(row) for row in rows])
    data["month"] = pd.to_datetime(data["month"])
    y_axis = alt.Axis(
        format=".0%", domain=False, ticks=False, labelColor=MUTED, gridColor=GRID, tickCount=5, tickMinStep=0.01
    )  # no label twice
    chart: alt.Chart = (
        alt.Chart(data, height=height)
        .mark_line(strokeWidth=2, point=True)
        .encode(
            x=alt.X("month:T", title=None, axis=months_axis(data["month"].nunique())),
            y=alt.Y("value:Q", title=None, axis=y_axis, scale=alt.Scale(zero=False, nice=True)),
            color=alt.Color(
                "name:N",
                scale=alt.Scale(domain=list(colours), range=list(colours.values())),
                legend=alt.Legend(orient="bottom", title=None),
            ),
            tooltip=["name:N", alt.Tooltip("month:T", format=MONTH), alt.Tooltip("value:Q", format=".1%")],
        )
    )
    return chart


def triangle(rows: Rows, height: int) -> Drawing:
    """Return a cell for each `cohort` and `age`, the darker the larger the share `value`."""
    data = pd.DataFrame([dict(row) for row in rows])
    order = list(dict.fromkeys(data["cohort"]))
    x = alt.X("age:O", title="Months since", axis=alt.Axis(labelAngle=0, labelColor=MUTED, ticks=False, domain=False))
    y = alt.Y("cohort:N", sort=order, title=None, axis=alt.Axis(labelColor=MUTED, ticks=False, domain=False))
    colour = alt.Color(
        "value:Q", legend=None, scale=alt.Scale(domain=[0, 0.5, 1.2], range=["#fdf1ee", "#cfdcf7", ACCENT])
    )
    base = alt.Chart(data, height=height)
    tips = ["cohort:N", "age:O", "text:N", "customers:Q", "paid:N", "basis:N"]
    return alt.layer(
        base.mark_rect(stroke="white").encode(x=x, y=y, color=colour, tooltip=tips),
        base.mark_text(fontSize=10.5).encode(
            x=x,
            y=y,
            text="text:N",
            color=alt.condition("datum.value > 0.85", alt.value("white"), alt.value(INK)),
        ),
    )


def forecast_band(past: Rows, steps: Rows, axis: str, height: int = 260) -> Drawing:
    """Return `value` by `month`; then the forecast with `low`, `high`, and the `naive` beside it."""
    before, after = pd.DataFrame([dict(row) for row in past]), pd.DataFrame([dict(row) for row in steps])
    for frame in (before, after):
        frame["month"] = pd.to_datetime(frame["month"])
    x = alt.X("month:T", title=None, axis=months_axis(len(before) + len(after)))
    y = alt.Y("value:Q", title=None, axis=_amounts(axis), scale=alt.Scale(zero=False, nice=True))
    tips = [
        alt.Tooltip("month:T", format=MONTH),
        *(alt.Tooltip(f"{name}:Q", format=axis) for name in ("value", "low", "high", "naive")),
    ]
    to_come = alt.Chart(after, height=height)
    return alt.layer(
        to_come.mark_area(color=ACCENT, opacity=0.15).encode(x=x, y=alt.Y("low:Q", title=None), y2="high:Q"),
        alt.Chart(before).mark_line(color=MUTED, strokeWidth=2).encode(x=x, y=y),
        to_come.mark_line(color=WARN, strokeDash=[5, 4]).encode(x=x, y=alt.Y("naive:Q", title=None)),
        to_come.mark_line(color=ACCENT, strokeWidth=2, point=True).encode(x=x, y=y, tooltip=tips),
    )


def months_axis(count: int) -> alt.Axis:
    """Return the axis of so many months, each named once, and not more of them than there is room for."""
    every = alt.TimeIntervalStep(interval="month", step=max(1, -(-count // MONTHS_NAMED)))
    return alt.Axis(
        format=MONTH, grid=False, domain=False, ticks=False, labelColor=MUTED, labelOverlap=True, tickCount=every
    )


def _amounts(axis: str) -> alt.Axis:
    return alt.Axis(format=axis, domain=False, ticks=False, labelColor=MUTED, gridColor=GRID, tickCount=5)


def month_names(months: Sequence[str]) -> list[str]:
    """Return months as they are read: Mar 2026."""
    return [pd.Timestamp(month).strftime(MONTH) for month in months]
