"""The ideal customer: who is won, pays and stays, by what companies are; who fits best; and the best leads."""

from collections.abc import Sequence

import altair as alt
import pandas as pd
import streamlit as st

from gtm_platform.dashboard.charts import ACCENT, INK, MUTED, Drawing, draw
from gtm_platform.dashboard.customer_table import money_column
from gtm_platform.dashboard.frame.page import Page
from gtm_platform.dashboard.metric_cards import Figures, card_row, plain_card
from gtm_platform.dashboard.scores import show_scores
from gtm_platform.dashboard.tables import show_rows
from gtm_platform.dashboard.wording import money, number, plain
from gtm_platform.serving.answers.icp import IcpAnswer, IcpGroup, icp
from gtm_platform.serving.answers.leads import LeadsAnswer, leads
from gtm_platform.serving.answers.models import Scored
from gtm_platform.serving.store import Snapshot
from gtm_platform.serving.wording import counted, share_with_interval, words

DRAWN, ROW = 14, 26  # groups that are drawn, and pixels of each
MEASURES = {"Won": "win_rate", "LTV": "ltv", "Churn in the first year": "churn_rate"}
VERDICTS = {
    "signal": "What companies are foretells who is won: companies that it was not learned of are ranked better than by "
    "chance.",
    "no signal": "What companies are does not foretell who is won, so none is said to fit better than another.",
    "too little data": "Too few companies were won or lost to say who fits: it takes 200, with 30 of each at least.",
}


def show(snapshot: Snapshot) -> None:
    """Draw the page."""
    st.title("Ideal customer")
    answer, currency = icp(snapshot), Figures(snapshot).currency
    everybody = answer.everybody
    if everybody is None:
        st.info("Shown once there are companies.", icon=":material/hourglass_empty:")
        return
    _cards(everybody, currency)
    with st.container(border=True):
        _groups(answer, everybody, currency)
    with st.container(border=True):
        _fits(snapshot, answer)
    with st.container(border=True):
        _leads(snapshot, leads(snapshot))


def _cards(everybody: IcpGroup, currency: str) -> None:
    with card_row():
        won = f"{everybody.won:,} won, {everybody.lost:,} lost"
        plain_card("Win rate", _share(everybody, "win_rate"), won)
        plain_card("LTV", money(everybody.ltv, currency), f"Mean of {counted(everybody.customers, 'customer')}.")
        left = f"{everybody.left_in_time:,} of {everybody.seasoned:,} left in time."
        plain_card("Churn in the first year", _share(everybody, "churn_rate"), left)
        plain_card("Companies", number(everybody.companies), "In any system.")


def _share(group: IcpGroup, name: str) -> str:
    return share_with_interval(getattr(group, name), getattr(group, f"{name}_low"), getattr(group, f"{name}_high"))


def _groups(answer: IcpAnswer, everybody: IcpGroup, currency: str) -> None:
    st.subheader("By what companies are", anchor=False)
    traits = list(dict.fromkeys(each.trait for each in answer.groups if each is not everybody))
    if not traits:
        st.caption("No industry, size, country or technology is known of enough companies.")
        return
    left, right = st.columns(2)
    trait = left.segmented_control(
        "By", traits, default=traits[0], required=True, format_func=words, key="trait", bind="query-params"
    )
    measure = right.segmented_control(
        "What", list(MEASURES), default="Won", required=True, key="measure", bind="query-params"
    )
    groups = [each for each in answer.groups if each.trait == trait]
    name = MEASURES[measure]
    draw(intervals(groups, everybody, name), f"{measure} by {words(trait)}: drawn to the mean, with intervals")
    st.caption(
        "Points are drawn to that of all companies (the line) where a group is small; bars are intervals of what was "
        "counted (95 %)."
    )
    _table(groups, currency)


def _shown(value: str) -> str:
    """Return a value out of our own tables as words; what other systems call a thing stays as it is."""
    return words(value) if "_" in value else value


def intervals(groups: Sequence[IcpGroup], everybody: IcpGroup, name: str) -> Drawing:
    """Return a point with its interval for each group, the highest first, beside all companies."""
    rows = [
        {
            "name": _shown(each.value),
            "value": getattr(each, f"{name}_drawn"),
            "counted": getattr(each, name),
            "low": getattr(each, f"{name}_low"),
            "high": getattr(each, f"{name}_high"),
            "companies": each.companies,
        }
        for each in groups
        if getattr(each, f"{name}_drawn") is not None
    ]
    rows = sorted(rows, key=lambda row: -row["value"])[:DRAWN]
    data = pd.DataFrame(rows, columns=["name", "value", "counted", "low", "high", "companies"])
    form = "$,.4~s" if name == "ltv" else "%"
    axis = alt.Axis(format=form.removeprefix("$"), grid=True, gridColor="#ecedea", domain=False, labelColor=MUTED)
    labels = alt.Axis(domain=False, ticks=False, grid=False, labelColor=MUTED, labelFontSize=12.5, labelLimit=170)
    y = alt.Y("name:N", sort=[row["name"] for row in rows], title=None, axis=labels)
    scale = alt.Scale(zero=True)
    tips = ["name:N", "companies:Q", *(alt.Tooltip(f"{part}:Q", format=".3~g") for part in ("counted", "low", "high"))]
    base = alt.Chart(data, height=alt.Step(ROW))
    overall = pd.DataFrame({"value": [getattr(everybody, name)]}).dropna()
    return alt.layer(
        alt.Chart(overall).mark_rule(color=MUTED, strokeDash=[4, 4]).encode(x=alt.X("value:Q", scale=scale)),
        base.mark_rule(color=ACCENT, strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q", y=y),
        base.mark_circle(color=ACCENT, size=80, stroke=INK).encode(
            x=alt.X("value:Q", axis=axis, title=None, scale=scale), y=y, tooltip=tips
        ),
    )


def _table(groups: Sequence[IcpGroup], currency: str) -> None:
    rows = [
        {
            "value": _shown(each.value),
            "companies": each.companies,
            "won": each.won,
            "lost": each.lost,
            "win_rate": _share(each, "win_rate"),
            "customers": each.customers,
            "ltv": each.ltv,
            "ltv_low": each.ltv_low,
            "ltv_high": each.ltv_high,
            "churn": _share(each, "churn_rate"),
        }
        for each in groups
    ]
    columns = st.column_config
    show_rows(
        rows,
        {
            "value": columns.TextColumn("Group", width=150),
            "companies": columns.NumberColumn("Companies", width=90),
            "won": columns.NumberColumn("Won", width=60),
            "lost": columns.NumberColumn("Lost", width=60),
            "win_rate": columns.TextColumn("Win rate", width=130),
            "customers": columns.NumberColumn("Customers", width=90),
            "ltv": money_column("LTV", currency, 90),
            "ltv_low": money_column("At least", currency, 90),
            "ltv_high": money_column("At most", currency, 90),
            "churn": columns.TextColumn("Churn in the first year", width=160),
        },
        "Companies won and lost, LTV and churn by group, with intervals",
    )


def _fits(snapshot: Snapshot, answer: IcpAnswer) -> None:
    st.subheader("Open companies that fit best", anchor=False)
    if answer.verdict is None:
        st.caption("No company is open.")
        return
    auc = "" if answer.auc is None else f" AUC {answer.auc:.2f} ({answer.auc_low:.2f} to {answer.auc_high:.2f})."
    st.caption(f"{VERDICTS[answer.verdict]}{auc}")
    for name, reason in answer.left_out.items():
        st.caption(f"Left out, as it may hold the outcome: {plain(words(name))}: {plain(reason)}.")
    if answer.companies:
        fits = [
            Scored(id=each.company_id, score=each.fit, base_log_odds=each.base_log_odds, reasons=each.reasons)
            for each in answer.companies
        ]
        about = "Open companies by how likely one like it is won, with reasons; a click on a row opens the company"
        show_scores(snapshot, fits, "fits", "Company", about)


def _leads(snapshot: Snapshot, answer: LeadsAnswer) -> None:
    st.subheader("Best leads", anchor=False)
    if answer.leads:
        st.caption(f"Most likely to become customers within {answer.horizon_days} days, of {answer.scored:,} leads.")
        scored = [
            Scored(id=each.lead_id, score=each.score, base_log_odds=each.base_log_odds, reasons=each.reasons)
            for each in answer.leads
        ]
        show_scores(snapshot, scored, "leads", "Lead", "Leads by their probability, with reasons; a click opens one")
        return
    why = {
        None: "No model of leads has been tested yet.",
        "shadow": f"{answer.scored:,} leads are scored in shadow: nobody is named until a month confirms a signal.",
    }
    st.caption(why.get(answer.stage, "No lead is scored."))


PAGE = Page("icp", "Ideal customer", ":material/target:", 48, show)
