"""Where companies stand: how many each cohort has, who moved, which fields are missing."""

import streamlit as st

from gtm_platform.dashboard.charts import bars, draw
from gtm_platform.dashboard.cohorts import COLOURS, show_transitions
from gtm_platform.dashboard.customer_table import money_column
from gtm_platform.dashboard.frame.page import Page, link_to
from gtm_platform.dashboard.metric_cards import Figures, card_row, plain_card
from gtm_platform.dashboard.tables import show_rows
from gtm_platform.dashboard.wording import money, number, plain
from gtm_platform.serving.answers.cohorts import CohortsAnswer, cohorts
from gtm_platform.serving.store import Snapshot
from gtm_platform.serving.wording import COHORT_NAMES, NOTHING, counted

SPANS = (7, 30, 90)
LISTED = 100


def show(snapshot: Snapshot) -> None:
    """Draw the page."""
    st.title("Cohorts")
    days = st.segmented_control(
        "Over", SPANS, default=30, required=True, format_func="{} days".format, key="days", bind="query-params"
    )
    answer = cohorts(snapshot, days, LISTED)
    currency = Figures(snapshot).currency
    with card_row():
        for each in answer.cohorts:
            paid = f"{money(each.mrr, currency)} MRR" if each.mrr else counted(each.people, "person", "people")
            plain_card(COHORT_NAMES[each.cohort], number(each.companies), plain(paid))
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        _sizes(answer)
    with right.container(border=True, height="stretch"):
        _moved(answer)
    with st.container(border=True):
        _health(answer, currency)
    with st.container(border=True):
        st.subheader(f"Moved in {days} days: {sum(answer.moved.values()):,}", anchor=False)
        if answer.transitions:
            show_transitions(answer.transitions, "moved")
            if sum(answer.moved.values()) > len(answer.transitions):
                st.caption(f"The latest {len(answer.transitions)}.")
        else:
            st.caption("No company moved.")
    with st.container(border=True):
        _missing(answer)


def _sizes(answer: CohortsAnswer) -> None:
    st.subheader("Companies by cohort", anchor=False)
    rows = [
        {
            "name": COHORT_NAMES[each.cohort],
            "value": each.companies,
            "text": counted(each.companies, "company", "companies"),
        }
        for each in answer.cohorts
    ]
    draw(bars(rows, COLOURS, width=130), "Companies by cohort")
    for each in answer.cohorts:
        if each.companies:
            label = f"{COHORT_NAMES[each.cohort]}: the {counted(each.companies, 'company', 'companies')}"
            link_to("company", label, {"cohort": COHORT_NAMES[each.cohort]})


def _health(answer: CohortsAnswer, currency: str) -> None:
    """Draw how the companies of each cohort do: their health, what they pay, who fell dormant, what is filled in."""
    st.subheader("Health by cohort", anchor=False)
    columns = st.column_config
    show_rows(
        [{**each.model_dump(), "cohort": COHORT_NAMES[each.cohort]} for each in answer.cohorts],
        {
            "cohort": columns.TextColumn("Cohort", width=150),
            "mean_health": columns.ProgressColumn(
                "Mean health", format="%.1f", min_value=0, max_value=100, width=150, help="Of companies with a score."
            ),
            "customers": columns.NumberColumn("Customers", width=90),
            "mrr": money_column("MRR", currency, 90),
            "dormant": columns.NumberColumn("Dormant companies", width=130),
            "mean_priority": columns.NumberColumn("Mean priority", format="%.1f", width=100),
            "completeness": columns.NumberColumn("Completeness", format="%.0f %%", width=100),
        },
        "Cohorts with the mean health of their companies",
        order=["cohort", "mean_health", "customers", "mrr", "dormant", "mean_priority", "completeness"],
    )


def _moved(answer: CohortsAnswer) -> None:
    st.subheader(f"What happened in {answer.days} days", anchor=False)
    if not answer.moved:
        st.caption("Nothing.")
        return
    rows = [{"name": trigger, "value": count, "text": f"{count:,}"} for trigger, count in answer.moved.items()]
    draw(bars(rows, width=190), "Changes of cohorts by what brought them")


def _missing(answer: CohortsAnswer) -> None:
    st.subheader("Fields that are missing", anchor=False)
    if not answer.missing:
        st.caption("Every company has the fields that its cohort needs.")
        return
    rows = [
        {
            "cohort": COHORT_NAMES.get(each.cohort or "", NOTHING),
            "field": each.field,
            "companies": each.companies,
        }
        for each in answer.missing
    ]
    columns = st.column_config
    show_rows(
        rows,
        {
            "cohort": columns.TextColumn("Cohort", width=150),
            "field": columns.TextColumn("Field", width=420),
            "companies": columns.NumberColumn("Companies", width=95),
        },
        "Fields that companies lack",
    )


PAGE = Page("cohorts", "Cohorts", ":material/groups:", 45, show)
