"""Whether the models can be believed: verdict, figures, what was said and what came, and why."""

import altair as alt
import pandas as pd
import streamlit as st

from gtm_platform.dashboard.charts import ACCENT, INK, MUTED, Drawing, bars, draw
from gtm_platform.dashboard.frame.page import Page
from gtm_platform.dashboard.metric_cards import card_row, plain_card
from gtm_platform.dashboard.scores import show_scores
from gtm_platform.dashboard.tables import show_rows
from gtm_platform.dashboard.wording import percent, plain
from gtm_platform.serving.answers.models import ModelMonth, ModelReport, models
from gtm_platform.serving.store import Snapshot
from gtm_platform.serving.wording import words

VERDICTS = {
    "signal": "A signal: the scores rank and foretell better than chance.",
    "no signal": "No signal: the scores are no better than chance, so all get the base rate.",
    "too little data": "Too little data to judge by: it takes 200 {subjects}, to 30 of whom it happened.",
}
STAGES = {
    "shown": "An earlier month had a signal as well, so the scores are shown.",
    "shadow": "The scores are kept, and not shown until a later month confirms a signal.",
}
MOST_LIKELY = {"churn_model": "Most likely to leave", "lead_model": "Most likely to become customers"}


def show(snapshot: Snapshot) -> None:
    """Draw the page."""
    st.title("Models")
    reports = {each.title: each for each in models(snapshot).models}
    title = st.segmented_control(
        "Model", list(reports), default=next(iter(reports)), required=True, key="model", bind="query-params"
    )
    answer = reports[title]
    if not answer.months:
        st.info(
            f"A model of {answer.about} is trained each month, once what came of {answer.subjects} "
            f"{answer.horizon_days} days after a month's first day is known, and there are days before to learn of.",
            icon=":material/hourglass_empty:",
        )
        return
    newest = answer.months[0]
    st.caption(
        f"{answer.about.capitalize()}. The model of {newest.month:%B %Y} learned of {newest.rows:,} {answer.subjects} "
        f"and days ({newest.events:,} {answer.event}), and was tested on {newest.test_rows:,} {answer.subjects} of "
        f"{newest.tested_on:%-d %b %Y} ({newest.test_events:,} {answer.event})."
    )
    st.markdown(f"**{VERDICTS[newest.verdict].format(subjects=answer.subjects)}** {STAGES[newest.stage]}")
    if newest.auc is not None:
        _figures(newest, answer)
        _plots(answer)
    if answer.scores:
        with st.container(border=True):
            st.subheader(MOST_LIKELY[answer.name], anchor=False)
            about = f"{MOST_LIKELY[answer.name]}, with what adds to it; a click on a row opens it"
            show_scores(snapshot, answer.scores, "scores", words(answer.subjects[:-1]), about)
    with st.container(border=True):
        _months(answer)


def _figures(month: ModelMonth, answer: ModelReport) -> None:
    with card_row():
        interval = f"95 % of resampled {answer.subjects}: {month.auc_low:.2f} to {month.auc_high:.2f}. 0.5 is chance."
        plain_card("AUC", f"{month.auc:.2f}", interval)
        plain_card("Brier", f"{month.brier:.3f}", f"The base rate alone: {month.brier_of_base_rate:.3f}.")
        plain_card("Calibration error", percent(month.ece), f"A perfect model, by chance: {percent(month.ece_floor)}.")
        plain_card(
            "Lift",
            f"{month.lift:.1f} ×",
            "How often it happened to the tenth with the highest scores, by the base rate.",
        )
        plain_card("Drift", f"{month.drift:.2f}", f"Stability index of {words(month.drifted_column or '')}.")


def _plots(answer: ModelReport) -> None:
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        st.subheader("What was said, and what came", anchor=False)
        draw(
            calibration(answer),
            f"Share of {answer.subjects} to whom it happened by the probability that the model gave them",
        )
    with right.container(border=True, height="stretch"):
        st.subheader("What matters", anchor=False)
        rows = [
            {"name": words(name), "value": value, "text": f"{value:.2f}"}
            for name, value in list(answer.importance.items())[:8]
        ]
        draw(bars(rows, width=190), "How far each column moves a score on average, in log-odds")
    for name, reason in answer.leaks.items():
        st.caption(f"Left out, as it may hold the outcome: {plain(words(name))}: {plain(reason)}.")


def calibration(answer: ModelReport) -> Drawing:
    """Return a point for each tenth of those tested; on the line, what was said came."""
    data = pd.DataFrame([each.model_dump() for each in answer.calibration])
    most = max(float(data["predicted"].max()), float(data["observed"].max()), 0.01)
    scale = alt.Scale(domain=[0, most])
    axis = alt.Axis(format="%", grid=False, domain=False, ticks=False, labelColor=MUTED, tickCount=5)
    x = alt.X("predicted:Q", title="said", axis=axis, scale=scale)
    y = alt.Y("observed:Q", title="came", axis=axis, scale=scale)
    line = pd.DataFrame({"predicted": [0, most], "observed": [0, most]})
    tips = ["rows:Q", alt.Tooltip("predicted:Q", format=".1%"), alt.Tooltip("observed:Q", format=".1%")]
    return alt.layer(
        alt.Chart(line, height=260).mark_line(color=MUTED, strokeDash=[4, 4]).encode(x=x, y=y),
        alt.Chart(data).mark_line(color=ACCENT, strokeWidth=1).encode(x=x, y=y),
        alt.Chart(data).mark_circle(color=ACCENT, size=70, stroke=INK).encode(x=x, y=y, tooltip=tips),
    )


def _months(answer: ModelReport) -> None:
    st.subheader("Month by month", anchor=False)
    rows = [
        {
            "month": pd.Timestamp(each.month),
            "verdict": words(each.verdict),
            "stage": words(each.stage),
            "auc": each.auc,
            "skill": each.skill,
            "ece": each.ece,
            "tested": each.test_rows,
            "events": each.test_events,
        }
        for each in answer.months
    ]
    columns = st.column_config
    show_rows(
        rows,
        {
            "month": columns.DateColumn("Month", format="MMM YYYY", width=90),
            "verdict": columns.TextColumn("Verdict", width=110),
            "stage": columns.TextColumn("Scores", width=90),
            "auc": columns.NumberColumn("AUC", format="%.3f", width=70),
            "skill": columns.NumberColumn("Skill", format="percent", width=80),
            "ece": columns.NumberColumn("Calibration error", format="percent", width=120),
            "tested": columns.NumberColumn("Tested on", width=90),
            "events": columns.NumberColumn(words(answer.event), width=80),
        },
        "Models by month, with their verdict and figures",
    )


PAGE = Page("models", "Models", ":material/model_training:", 66, show)
