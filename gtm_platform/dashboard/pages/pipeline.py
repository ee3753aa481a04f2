"""What is in the pipeline, what of it will be won, and which companies may buy more."""

import pandas as pd
import streamlit as st

from gtm_platform.dashboard.charts import bars, draw
from gtm_platform.dashboard.customer_table import money_column, show_clickable
from gtm_platform.dashboard.frame.page import Page
from gtm_platform.dashboard.metric_cards import Figures, card_row, plain_card
from gtm_platform.dashboard.tables import show_rows, table_height
from gtm_platform.dashboard.wording import money, number, percent, plain
from gtm_platform.serving.answers.pipeline import PipelineAnswer, PipelineStep, pipeline
from gtm_platform.serving.store import Snapshot
from gtm_platform.serving.wording import counted, words

LISTED, PIXELS = 12, 440


def show(snapshot: Snapshot) -> None:
    """Draw the page."""
    st.title("Pipeline")
    answer, currency = pipeline(snapshot), Figures(snapshot).currency
    if answer.forecast:
        with card_row():
            for each in answer.forecast:
                plain_card(f"Won in {each.days} days", money(each.value, currency), plain(_interval(each, currency)))
            plain_card("Open deals", number(answer.forecast[0].open_deals), "")
    with st.container(border=True):
        _forecast(answer, currency)
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        _stages(answer, currency)
    with right.container(border=True, height="stretch"):
        _groups(answer, currency)
    with st.container(border=True):
        _opportunities(answer, currency)


def _interval(step: PipelineStep, currency: str) -> str:
    if step.low is None or step.high is None:
        return "no interval yet"
    return f"{money(step.low, currency)} to {money(step.high, currency)}"


def _forecast(answer: PipelineAnswer, currency: str) -> None:
    st.subheader("What will be won", anchor=False)
    if not answer.forecast:
        st.caption("Shown once there are deals.")
        return
    amounts = {
        "value": "Forecast",
        "low": "At least",
        "high": "At most",
        "naive": "Naive",
        "of_open": "Of open deals",
        "to_come": "Of deals to come",
    }
    shares = {"error": "Mean error", "naive_error": "Of naive"}
    rows = [
        each.model_dump(mode="json") | {name: 100 * (getattr(each, name) or 0) for name in shares}
        for each in answer.forecast
    ]
    columns = st.column_config
    show_rows(
        rows,
        {
            "days": columns.NumberColumn("Days", width=60),
            **{name: money_column(title, currency, 105) for name, title in amounts.items()},
            **{name: columns.NumberColumn(title, format="%.0f %%", width=90) for name, title in shares.items()},
            "method": columns.TextColumn("Method", width=120),
        },
        "What will be won within some days, beside the naive forecast",
        order=["days", *amounts, *shares, "method"],
    )
    for each in answer.forecast:
        coverage = "" if each.coverage is None else f" Past intervals held {percent(each.coverage)} of what came."
        st.caption(plain(f"{each.days} days: {each.verdict}{coverage}"))


def _stages(answer: PipelineAnswer, currency: str) -> None:
    st.subheader("Open deals by stage", anchor=False)
    if not answer.stages:
        st.caption("No deal is open.")
        return
    rows = [
        {"name": each.stage, "value": each.deals, "text": f"{each.deals:,} · {money(each.amount, currency)}"}
        for each in answer.stages
    ]
    draw(bars(rows, width=140), "Open deals by stage, with their amounts")


def _groups(answer: PipelineAnswer, currency: str) -> None:
    furthest = max((each.days for each in answer.groups), default=0)
    st.subheader(f"Of open deals, in {furthest} days" if furthest else "Of open deals", anchor=False)
    rows = [
        {
            "name": each.deal_group,
            "value": each.of_open,
            "text": f"{money(each.of_open, currency)} of {counted(each.open_deals, 'deal')}",
        }
        for each in answer.groups
        if each.days == furthest
    ]
    if not rows:
        st.caption("No deal is open.")
        return
    draw(bars(rows, width=140), "What will be won of open deals, by their group")


def _opportunities(answer: PipelineAnswer, currency: str) -> None:
    opportunities = answer.opportunities
    st.subheader("Who may buy more", anchor=False)
    if not opportunities.listed:
        st.caption("No paying company shows a sign of it.")
        return
    amount = plain(money(opportunities.at_stake, currency))
    st.markdown(f"{counted(opportunities.companies, 'company', 'companies')} with **{amount}** of MRR at stake")
    rows = [
        {
            "company": each.company or each.company_id,
            "mrr": each.mrr,
            "at_stake": each.at_stake,
            "evidence": "; ".join(_evidence(sign) for sign in each.evidence),
        }
        for each in opportunities.listed
    ]
    queries = [{"id": each.company_id} for each in opportunities.listed]
    show_clickable(
        pd.DataFrame(rows),
        "opportunities",
        "company",
        queries,
        {
            "company": st.column_config.TextColumn("Company", width=220),
            "mrr": money_column("MRR", currency, 90),
            "at_stake": money_column("At stake", currency, 90),
            "evidence": st.column_config.TextColumn("Evidence", width=420),
        },
        "Companies that may buy more",
        height=table_height(len(rows), LISTED, PIXELS),
    )


def _evidence(sign: str) -> str:
    """Return a sign as people read it: near_limit: 91 % of its limits."""
    name, _, figure = sign.partition(": ")
    return f"{words(name)}: {figure}"


PAGE = Page("pipeline", "Pipeline", ":material/filter_alt:", 52, show)
