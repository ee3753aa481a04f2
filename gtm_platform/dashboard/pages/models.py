"""Whether the model of churn can be believed: its verdict, its figures, what was said and what came, and why."""

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from gtm_platform.dashboard.charts import ACCENT, INK, MUTED, Drawing, bars, draw
from gtm_platform.dashboard.customer_table import show_clickable, table_height
from gtm_platform.dashboard.frame.page import Page
from gtm_platform.dashboard.metric_cards import card_row, plain_card
from gtm_platform.dashboard.wording import percent, plain
from gtm_platform.serving.answers.models import ModelMonth, ModelsAnswer, ScoredCustomer, models
from gtm_platform.serving.store import Snapshot
from gtm_platform.serving.wording import NOTHING, counted, words

VERDICTS = {
    "signal": "A signal: the scores rank and foretell better than chance.",
    "no signal": "No signal: the scores are no better than chance, so every customer gets the base rate.",
    "too little data": "Too little data to judge by: it takes 200 customers, 30 of whom churned.",
}
STAGES = {
    "shown": "An earlier month had a signal as well, so the scores are shown.",
    "shadow": "The scores are kept, and not shown until a later month confirms a signal.",
}
REASONS, LISTED, PIXELS = 3, 9, 330  # reasons in a row; rows that are shown at once, and the height of more


def show(snapshot: Snapshot) -> None:
    """Draw the page."""
    st.title("Models")
    answer = models(snapshot)
    if not answer.months:
        st.info(
            "A model of churn is trained each month, once what came of customers 90 days after a month's first day is "
            "known, and there were days to learn of before it.",
            icon=":material/hourglass_empty:",
        )
        return
    newest = answer.months[0]
    st.caption(
        f"Churn within 90 days. The model of {newest.month:%B %Y} learned of {newest.rows:,} customers and days "
        f"({newest.events:,} churned), and was tested on {counted(newest.test_rows, 'customer')} of "
        f"{newest.tested_on:%-d %b %Y} ({newest.test_events:,} churned)."
    )
    st.markdown(f"**{VERDICTS[newest.verdict]}** {STAGES[newest.stage]}")
    if newest.auc is not None:
        _figures(newest)
        _plots(answer)
    if answer.scores:
        with st.container(border=True):
            _scores(snapshot, answer)
    with st.container(border=True):
        _months(answer)


def _figures(month: ModelMonth) -> None:
    with card_row():
        interval = f"95 % of resampled customers: {month.auc_low:.2f} to {month.auc_high:.2f}. 0.5 is chance."
        plain_card("AUC", f"{month.auc:.2f}", interval)
        plain_card("Brier", f"{month.brier:.3f}", f"The base rate alone: {month.brier_of_base_rate:.3f}.")
        plain_card("Calibration error", percent(month.ece), f"A perfect model, by chance: {percent(month.ece_floor)}.")
        plain_card("Lift", f"{month.lift:.1f} ×", "Churn among the tenth with the highest scores, by the base rate.")
        plain_card("Drift", f"{month.drift:.2f}", f"Stability index of {words(month.drifted_column or '')}.")


def _plots(answer: ModelsAnswer) -> None:
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        st.subheader("What was said, and what came", anchor=False)
        draw(calibration(answer), "Share of customers who churned by the probability that the model gave them")
    with right.container(border=True, height="stretch"):
        st.subheader("What matters", anchor=False)
        rows = [
            {"name": words(name), "value": value, "text": f"{value:.2f}"}
            for name, value in list(answer.importance.items())[:8]
        ]
        draw(bars(rows, width=190), "How far each column moves a score on average, in log-odds")
    for name, reason in answer.leaks.items():
        st.caption(f"Left out, as it may hold the outcome: {plain(words(name))}: {plain(reason)}.")


def calibration(answer: ModelsAnswer) -> Drawing:
    """Return a point for each tenth of the customers; on the line, what was said came."""
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


def _scores(snapshot: Snapshot, answer: ModelsAnswer) -> None:
    st.subheader("Most likely to leave", anchor=False)
    customers = {each.customer_id: snapshot.customer(each.customer_id) for each in answer.scores}
    shown = [each for each in answer.scores if customers[each.customer_id]]
    rows = []
    for each in shown:
        customer = customers[each.customer_id]
        row: dict[str, Any] = customer.row(personal=True) if customer else {}
        name = row.get("name") or row.get("email") or each.customer_id
        rows.append({"name": name, "score": each.score, "why": reasons(each)})
    columns = st.column_config
    show_clickable(
        pd.DataFrame(rows),
        "scores",
        "customer",
        [{"id": each.customer_id} for each in shown],
        {
            "name": columns.TextColumn("Customer", width=190),
            "score": columns.ProgressColumn("Probability", format="percent", min_value=0, max_value=1, width=150),
            "why": columns.TextColumn("Why", width=520),
        },
        "Customers by their probability of leaving, with what adds to it; a click on a row opens the customer",
        height=table_height(len(rows), LISTED, PIXELS),
    )


def reasons(customer: ScoredCustomer) -> str:
    """Return what adds most to a score, in words."""
    strongest = [each for each in customer.reasons if each.log_odds][:REASONS]
    return ", ".join(
        f"{words(each.column)} {'unknown' if each.value is None else f'{each.value:.4g}'} ({each.log_odds:+.2f})"
        for each in strongest
    )


def _months(answer: ModelsAnswer) -> None:
    st.subheader("Month by month", anchor=False)
    rows = [
        {
            "month": pd.Timestamp(each.month),
            "verdict": words(each.verdict),
            "stage": words(each.stage),
            "auc": each.auc,
            "skill": each.skill,
            "ece": each.ece,
            "customers": each.test_rows,
            "churned": each.test_events,
        }
        for each in answer.months
    ]
    columns = st.column_config
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        placeholder=NOTHING,
        column_config={
            "month": columns.DateColumn("Month", format="MMM YYYY", width=90),
            "verdict": columns.TextColumn("Verdict", width=110),
            "stage": columns.TextColumn("Scores", width=90),
            "auc": columns.NumberColumn("AUC", format="%.3f", width=70),
            "skill": columns.NumberColumn("Skill", format="percent", width=80),
            "ece": columns.NumberColumn("Calibration error", format="percent", width=120),
            "customers": columns.NumberColumn("Tested on", width=90),
            "churned": columns.NumberColumn("Churned", width=80),
        },
        alt="Models by month, with their verdict and figures",
    )


PAGE = Page("models", "Models", ":material/model_training:", 66, show)
