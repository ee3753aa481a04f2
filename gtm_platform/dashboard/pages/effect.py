"""What the platform changes: experiments beside customers from whom it was withheld, and the metrics of success."""

from collections.abc import Sequence

import altair as alt
import pandas as pd
import streamlit as st

from gtm_platform.dashboard.charts import ACCENT, MUTED, Drawing, draw, money_axis
from gtm_platform.dashboard.frame.page import Page
from gtm_platform.dashboard.metric_cards import Figures, card_row, plain_card
from gtm_platform.dashboard.tables import show_rows
from gtm_platform.dashboard.wording import money, number, percent, plain
from gtm_platform.serving.answers.effect import (
    EffectAnswer,
    EffectPoint,
    MeasuredEffect,
    RegisteredExperiment,
    SuccessAnswer,
    SuccessFigure,
    effect,
    success,
)
from gtm_platform.serving.store import Snapshot
from gtm_platform.serving.wording import NOTHING, counted, words

TITLES = {"churn": "Churn", "mrr": "MRR a customer", "expansion": "Expansion a customer"}


def show(snapshot: Snapshot) -> None:
    """Draw the page."""
    st.title("Effect")
    currency = Figures(snapshot).currency
    answer = effect(snapshot)
    if answer.experiments:
        for place, experiment in enumerate(answer.experiments):
            with st.container(border=True):
                _experiment(answer, experiment, currency, is_newest=not place)
    else:
        st.info(
            "Nothing is withheld from anybody, so that nobody can say what the platform changes. "
            "`gtm effect power` says how large a difference an experiment would find.",
            icon=":material/science:",
        )
    with st.container(border=True):
        _success(success(snapshot), currency)


def _experiment(answer: EffectAnswer, experiment: RegisteredExperiment, currency: str, *, is_newest: bool) -> None:
    st.subheader(plain(words(experiment.experiment)), anchor=False)
    ends_on = f"{experiment.ends_on:%-d %b %Y}" if experiment.ends_on else "its last outcome"
    st.markdown(f"*{plain(experiment.hypothesis)}*")
    st.caption(
        plain(
            f"{words(experiment.state)}: {experiment.starts_on:%-d %b %Y} to {ends_on}. Registered "
            f"{experiment.registered_at:%-d %b %Y}. From {percent(experiment.share)} of customers "
            f"{' and '.join(experiment.withholds)} are withheld; outcomes are read after "
            f"{experiment.outcome_days} days. "
            f"{experiment.stopped_because}"
        )
    )
    effects = answer.of(experiment.experiment)
    if not effects:
        return
    outcomes = effects[0].treated + effects[0].withheld
    entered = effects[0].entered_treated + effects[0].entered_withheld
    with card_row():
        for each in effects:
            plain_card(_title(each), plain(shown(each, each.difference, currency)), _about(each, currency))
        plain_card("Outcomes known", number(outcomes), f"Of {counted(entered, 'customer')} that count so far.")
    for each in effects:
        st.markdown(f"{'**Registered**' if each.is_primary else 'Beside it'}: {plain(sentence(each, currency))}")
    if is_newest and any(point.difference is not None for point in answer.path):
        draw(path(answer.path, currency), "The difference with its interval, day by day")


def _title(row: MeasuredEffect) -> str:
    return f"{TITLES[row.outcome]}{'' if row.is_primary else ' (beside)'}"


def _about(row: MeasuredEffect, currency: str) -> str:
    interval = f"{shown(row, row.low, currency)} to {shown(row, row.high, currency)}"
    return plain(f"Treated less withheld. {interval if row.low is not None else 'Too few outcomes so far'}.")


def shown(row: MeasuredEffect, value: float | None, currency: str) -> str:
    """Return a difference of an outcome as text, with its sign."""
    if value is None:
        return NOTHING
    sign = "+" if value > 0 else ""
    return f"{value * 100:+.1f} pp" if row.outcome == "churn" else f"{sign}{money(value, currency)}"


def sentence(row: MeasuredEffect, currency: str) -> str:
    """Return what was found of an outcome in a sentence."""
    title, groups = TITLES[row.outcome], f"{row.treated:,} treated and {row.withheld:,} withheld customers"
    if row.difference is None:
        return f"{title}: {row.verdict}, with {groups}."
    between = f"{shown(row, row.low, currency)} to {shown(row, row.high, currency)}"
    return f"{title}: {row.verdict}. {shown(row, row.difference, currency)} ({between}), with {groups}."


def path(points: Sequence[EffectPoint], currency: str) -> Drawing:
    """Return the difference by day, with the band of its interval and the line of no difference."""
    data = pd.DataFrame([each.model_dump(mode="json") for each in points if each.difference is not None])
    data["day"] = pd.to_datetime(data["day"])
    is_share = points[0].outcome == "churn"
    axis = alt.Axis(
        format="+.0%" if is_share else money_axis(currency), domain=False, ticks=False, labelColor=MUTED, tickCount=5
    )
    x = alt.X("day:T", title=None, axis=alt.Axis(format="%-d %b", labelColor=MUTED, grid=False, tickCount=6))
    y = alt.Y("low:Q", title=None, axis=axis)
    none = alt.Chart(pd.DataFrame({"none": [0.0]})).mark_rule(color=MUTED, strokeDash=[4, 4]).encode(y="none:Q")
    base = alt.Chart(data, height=240)
    tips = ["day:T", "difference:Q", "low:Q", "high:Q", "treated:Q", "withheld:Q"]
    return alt.layer(
        base.mark_area(color=ACCENT, opacity=0.15).encode(x=x, y=y, y2="high:Q"),
        base.mark_line(color=ACCENT, strokeWidth=2, point=True).encode(x=x, y="difference:Q", tooltip=tips),
        none,
    )


def _success(answer: SuccessAnswer, currency: str) -> None:
    st.subheader("Success", anchor=False)
    if not answer.metrics:
        st.caption("Measured with the next daily run.")
        return
    rows = [
        {
            "title": each.title,
            "value": in_unit(each, each.value, currency),
            "baseline": in_unit(each, each.baseline, currency),
            "is": _baseline(each),
            "basis": words(each.basis),
            "how": each.how,
            "tables": each.tables,
        }
        for each in answer.metrics
    ]
    columns = st.column_config
    show_rows(
        rows,
        {
            "title": columns.TextColumn("Metric", width=190),
            "value": columns.TextColumn("Now", width=70),
            "baseline": columns.TextColumn("Compared with", width=105),
            "is": columns.TextColumn("That is", width=165),
            "basis": columns.TextColumn("Basis", width=95),
            "how": columns.TextColumn("How", width=420),
            "tables": columns.ListColumn("Tables", width=240),
        },
        "The metrics of success with what they are compared with, and how each was measured",
    )


def _baseline(row: SuccessFigure) -> str:
    return f"{row.baseline_is} ({row.baseline_on:%-d %b %Y})" if row.baseline_on else row.baseline_is


def in_unit(row: SuccessFigure, value: float | None, currency: str) -> str:
    """Return a value of a metric of success as text."""
    if row.unit == "money":
        return money(value, currency)
    return percent(value, 1) if row.unit == "share" else number(value)


PAGE = Page("effect", "Effect", ":material/science:", 67, show)
