"""A customer's score over the days, with the limits behind it, and the changes of rules and the alerts marked."""

from typing import Any

import altair as alt
import orjson
import pandas as pd
import streamlit as st

from gtm_platform.dashboard.charts import BAD, INK, MUTED, Drawing, days_axis, draw
from gtm_platform.dashboard.status import COLOURS, TITLES
from gtm_platform.serving.store import Customer, Snapshot

HEIGHT = 260


def show_history(snapshot: Snapshot, customer: Customer) -> None:
    """Draw it."""
    st.subheader("Health over time", anchor=False)
    history = orjson.loads(customer.history)
    days = [
        {"day": day, "score": score, "risk": risk}
        for day, score, risk in zip(history["day"], history["health_score"], history["churn_risk"], strict=True)
        if score is not None
    ]
    if not days:
        st.caption("There is no score on any of the days that are shown.")
        return
    layers: list[Any] = [
        _bands(orjson.loads(snapshot.fact("rules"))["statuses"]),
        *_marks(snapshot, customer, days),
        _line(days),
    ]
    draw(alt.layer(*layers).properties(height=HEIGHT), "Health score on each day")
    alerts = {alert["day"] for alert in map(orjson.loads, customer.alerts)}
    marked = ["points in red are days with an alert"] if alerts else []
    if orjson.loads(snapshot.fact("rule_changes")):
        marked.append("dashed lines are changes of the rules")
    if marked:
        st.caption(f"{'; '.join(marked).capitalize()}.")


def _bands(statuses: dict[str, int]) -> Drawing:
    """Return the ranges of the statuses, by the rules in force."""
    lower = [statuses[name] for name in TITLES]
    upper = [100, *lower[:-1]]
    bands = pd.DataFrame(
        {"from": lower, "to": upper, "status": list(TITLES.values()), "colour": list(COLOURS.values())}
    )
    axis = alt.Axis(values=[*lower, 100], grid=False, domain=False, ticks=False, labelColor=MUTED)
    chart: alt.Chart = (
        alt.Chart(bands)
        .mark_rect(opacity=0.12)
        .encode(
            y=alt.Y("from:Q", title=None, scale=alt.Scale(domain=[0, 100]), axis=axis),
            y2="to:Q",
            color=alt.Color("colour:N", scale=None),
            tooltip=["status:N"],
        )
    )
    return chart


def _line(days: list[dict[str, Any]]) -> Drawing:
    data = pd.DataFrame(days)
    data["day"] = pd.to_datetime(data["day"])
    base = alt.Chart(data).encode(
        x=alt.X("day:T", title=None, axis=days_axis(len(data))),
        y=alt.Y("score:Q"),
        tooltip=[
            alt.Tooltip("day:T", format="%-d %b %Y"),
            alt.Tooltip("score:Q", title="health"),
            alt.Tooltip("risk:Q", title="churn risk, %"),
        ],
    )
    return alt.layer(base.mark_line(color=INK, strokeWidth=2), base.mark_point(color=INK, filled=True, size=22))


def _marks(snapshot: Snapshot, customer: Customer, days: list[dict[str, Any]]) -> list[Drawing]:
    """Return the marks of rule changes, and of alerts on the line."""
    scores = {each["day"]: each["score"] for each in days}
    marks: list[Drawing] = []
    changes = [change for change in orjson.loads(snapshot.fact("rule_changes")) if change["day"] >= days[0]["day"]]
    if changes:
        rules = pd.DataFrame(changes)
        rules["day"] = pd.to_datetime(rules["day"])
        tips = [alt.Tooltip("day:T", format="%-d %b %Y"), alt.Tooltip("policy_hash:N", title="rules")]
        marks.append(alt.Chart(rules).mark_rule(color=MUTED, strokeDash=[4, 4]).encode(x="day:T", tooltip=tips))
    alerts = [
        {"day": alert["day"], "score": scores[alert["day"]], "alert": alert["title"]}
        for alert in map(orjson.loads, customer.alerts)
        if alert["day"] in scores
    ]
    if alerts:
        data = pd.DataFrame(alerts)
        data["day"] = pd.to_datetime(data["day"])
        tips = [alt.Tooltip("alert:N"), alt.Tooltip("day:T", format="%-d %b %Y")]
        point = alt.Chart(data).mark_point(color=BAD, filled=True, size=130, opacity=1)
        marks.append(point.encode(x="day:T", y="score:Q", tooltip=tips))
    return marks
