"""The charts that pages have in common. Bars carry their numbers; colours mean the same everywhere."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st
from altair.utils.schemapi import debug_mode

from gtm_platform.dashboard.status import COLOURS, TITLES

INK, MUTED, ACCENT, TRACK = "#1f2328", "#6b7280", "#3b5bdb", "#e7eaee"
GOOD, BAD, WARN = "#2b8a5e", "#c92a2a", "#e0a100"
BAR, ROW = 20, 34  # pixels: of a bar, and from one to the next
DATES_SHOWN = 8
MONEY_AXIS = "$,.4~s"  # `.2s` would repeat ticks
Drawing = alt.Chart | alt.LayerChart | alt.FacetChart
Rows = Sequence[Mapping[str, Any]]


def checked_once() -> AbstractContextManager[None]:
    """Check charts against the schema of Vega when they are drawn, and not each part of them, which takes longer."""
    return debug_mode(False)


def money_axis(currency: str) -> str:
    """Return the format of an axis of amounts; only dollars have a sign there."""
    return MONEY_AXIS if currency == "usd" else MONEY_AXIS.removeprefix("$")


def draw(chart: Drawing, alternative: str) -> None:
    """Show a chart; `alternative` says what it shows to who cannot see it."""
    st.altair_chart(chart.configure_view(strokeWidth=0), width="stretch", alt=alternative)


def bars(rows: Rows, colours: Mapping[str, str] | str = ACCENT, width: int = 96) -> Drawing:
    """Return a bar for each row of `name`, `value` and `text`, in their order, with the text behind it."""
    data = pd.DataFrame([dict(row) for row in rows])
    order = [row["name"] for row in rows]
    largest = max([abs(row["value"]) for row in rows] or [1]) or 1
    x = alt.X("value:Q", axis=None, scale=alt.Scale(domain=[0, largest * 1.45]))
    y = alt.Y("name:N", sort=order, title=None, axis=_names(width))
    base = alt.Chart(data, height=alt.Step(ROW))
    colour = (
        alt.value(colours)
        if isinstance(colours, str)
        else alt.Color("name:N", legend=None, scale=alt.Scale(domain=list(colours), range=list(colours.values())))
    )
    return alt.layer(
        base.mark_bar(height=BAR, cornerRadiusEnd=3).encode(x=x, y=y, color=colour, tooltip=["name:N", "text:N"]),
        base.mark_text(align="left", dx=6, color=INK, fontSize=12.5).encode(x=x, y=y, text="text:N"),
    )


def _names(width: int) -> alt.Axis:
    return alt.Axis(
        domain=False, ticks=False, grid=False, labelColor=MUTED, labelFontSize=12.5, labelPadding=8, labelLimit=width
    )


def stacked_bars(rows: Rows, parts: Mapping[str, str], axis: str) -> Drawing:
    """Return a bar for each `name`, of its `part`s with their `value`s; `text` stands behind the whole."""
    data = pd.DataFrame([dict(row) for row in rows])
    order = list(dict.fromkeys(row["name"] for row in rows))
    totals = data.groupby("name", sort=False).agg(value=("value", "sum"), text=("text", "first")).reset_index()
    scale = alt.Scale(domain=[0, (totals["value"].max() or 1) * 1.5])
    y = alt.Y("name:N", sort=order, title=None, axis=_names(96))
    x = alt.X("value:Q", stack="zero", axis=None, scale=scale)
    colour = alt.Color(
        "part:N",
        scale=alt.Scale(domain=list(parts), range=list(parts.values())),
        legend=alt.Legend(orient="bottom", title=None, symbolType="circle"),
    )
    base = alt.Chart(data, height=alt.Step(ROW))
    tips = ["name:N", "part:N", alt.Tooltip("value:Q", format=axis)]
    return alt.layer(
        base.mark_bar(height=BAR).encode(x=x, y=y, color=colour, order=alt.Order("place:Q"), tooltip=tips),
        alt.Chart(totals)
        .mark_text(align="left", dx=6, color=INK, fontSize=12.5)
        .encode(x=alt.X("value:Q", scale=scale, axis=None), y=y, text="text:N"),
    )


def days_axis(days: int) -> alt.Axis:
    """Return an axis of days."""
    every = alt.TimeIntervalStep(interval="day", step=max(1, -(-days // DATES_SHOWN)))
    return alt.Axis(
        format="%-d %b", grid=False, domain=False, ticks=False, labelColor=MUTED, labelOverlap=True, tickCount=every
    )


def trend(days: Sequence[str], values: Sequence[float | None], axis: str, title: str, height: int = 240) -> Drawing:
    """Return a line over the days."""
    data = pd.DataFrame({"day": pd.to_datetime(list(days)), "value": list(values)}).dropna()
    y_axis = alt.Axis(format=axis, domain=False, ticks=False, labelColor=MUTED, gridColor="#ecedea", tickCount=5)
    chart: alt.Chart = (
        alt.Chart(data, height=height)
        .mark_line(color=ACCENT, strokeWidth=2, point=len(data) < 15)
        .encode(
            x=alt.X("day:T", title=None, axis=days_axis(len(data))),
            y=alt.Y("value:Q", title=None, axis=y_axis, scale=alt.Scale(zero=False, nice=True)),
            tooltip=[alt.Tooltip("day:T", format="%-d %b %Y"), alt.Tooltip("value:Q", format=axis, title=title)],
        )
    )
    return chart


def shares(rows: Rows, height: int = 240) -> Drawing:
    """Return the share of each health `status` by `day`, from the `value` of each."""
    data = pd.DataFrame([{**row, "title": TITLES.get(row["status"], row["status"])} for row in rows])
    data["day"] = pd.to_datetime(data["day"])
    order = {status: place for place, status in enumerate(TITLES)}
    data["place"] = data["status"].map(order)
    chart: alt.Chart = (
        alt.Chart(data, height=height)
        .mark_area(line=False, opacity=0.9)
        .encode(
            x=alt.X("day:T", title=None, axis=days_axis(data["day"].nunique())),
            y=alt.Y(
                "value:Q",
                stack="normalize",
                title=None,
                axis=alt.Axis(format="%", domain=False, ticks=False, labelColor=MUTED, tickCount=4, grid=False),
            ),
            order=alt.Order("place:Q"),
            color=alt.Color(
                "title:N",
                sort=list(TITLES.values()),
                scale=alt.Scale(domain=list(TITLES.values()), range=list(COLOURS.values())),
                legend=alt.Legend(orient="bottom", title=None, symbolType="circle"),
            ),
            tooltip=[alt.Tooltip("day:T", format="%-d %b %Y"), "title:N", "value:Q"],
        )
    )
    return chart
