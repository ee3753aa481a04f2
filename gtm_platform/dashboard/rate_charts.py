"""Rates with their intervals, and counts by month, as charts."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import altair as alt
import pandas as pd

from gtm_platform.dashboard.charts import ACCENT, INK, MUTED, ROW, Drawing
from gtm_platform.dashboard.money_charts import months_axis

COLOURS = (ACCENT, "#2b8a5e", "#e8590c", "#7048e8", "#0b7285", "#c2255c", "#e0a100", MUTED)
MOST_LINES = len(COLOURS)


class Rate(NamedTuple):
    """A rate with its interval, and what is written behind it."""

    name: str
    rate: float
    low: float
    high: float
    text: str
    group: str = ""


def rates(rows: Sequence[Rate], colours: dict[str, str] | None = None, width: int = 140) -> Drawing:
    """Return a point with its interval for each row, in their order; groups have colours of their own."""
    data = pd.DataFrame([row._asdict() for row in rows])
    data["place"] = [f"{row.name}\0{row.group}" for row in rows]
    order = list(data["place"])
    scale = alt.Scale(domain=[0, 1.35])
    label = "split(datum.label, '\\u0000')[0]"
    axis = alt.Axis(
        domain=False, ticks=False, grid=False, labelColor=MUTED, labelFontSize=12.5, labelLimit=width, labelExpr=label
    )
    y = alt.Y("place:N", sort=order, title=None, axis=axis)
    shown = alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], format="%", domain=False, ticks=False, labelColor=MUTED)
    x = alt.X("rate:Q", title=None, axis=shown, scale=scale)
    colour = (
        alt.Color("group:N", legend=None, scale=alt.Scale(domain=list(colours), range=list(colours.values())))
        if colours
        else alt.value(ACCENT)
    )
    tips: list[Any] = [
        "name:N",
        "group:N",
        *(alt.Tooltip(f"{name}:Q", format=".0%") for name in ("rate", "low", "high")),
    ]
    base = alt.Chart(data, height=alt.Step(ROW)).encode(y=y, color=colour, tooltip=tips)
    return alt.layer(
        base.mark_rule(strokeWidth=4, opacity=0.35, strokeCap="round").encode(
            x=alt.X("low:Q", scale=scale), x2="high:Q"
        ),
        base.mark_point(filled=True, size=70, opacity=1).encode(x=x),
        base.mark_text(align="left", dx=8, color=INK, fontSize=12).encode(
            x=alt.X("high:Q", scale=scale), text="text:N", color=alt.value(INK)
        ),
    )


def by_month(rows: Sequence[tuple[str, str, float]], title: str, height: int = 240) -> Drawing:
    """Return a line for each name, of rows of (month, name, value); no more lines than colours."""
    data = pd.DataFrame(list(rows), columns=["month", "name", "value"])
    data["month"] = pd.to_datetime(data["month"])
    largest = data.groupby("name")["value"].max().sort_values(ascending=False, kind="stable")
    names = list(largest.index[:MOST_LINES])
    chart: alt.Chart = (
        alt.Chart(data[data["name"].isin(names)], height=height)
        .mark_line(strokeWidth=2, point=data["month"].nunique() < 15)
        .encode(
            x=alt.X("month:T", title=None, axis=months_axis(data["month"].nunique())),
            y=alt.Y("value:Q", title=None, axis=alt.Axis(domain=False, ticks=False, labelColor=MUTED, tickMinStep=1)),
            color=alt.Color(
                "name:N",
                scale=alt.Scale(domain=names, range=list(COLOURS[: len(names)])),
                legend=alt.Legend(orient="bottom", title=None, symbolType="circle"),
            ),
            tooltip=["name:N", alt.Tooltip("month:T", format="%B %Y"), alt.Tooltip("value:Q", title=title)],
        )
    )
    return chart
