"""Meetings, calls, e-mails and answers beside what came of deals and customers: association, and no effect."""

import streamlit as st

from gtm_platform.dashboard.charts import ACCENT, MUTED, draw
from gtm_platform.dashboard.frame.page import Page
from gtm_platform.dashboard.metric_cards import Figures, cards
from gtm_platform.dashboard.rate_charts import Rate, rates
from gtm_platform.dashboard.tables import show_rows
from gtm_platform.dashboard.wording import plain
from gtm_platform.serving.answers.activity import ActivityAnswer, ActivityRate, activity
from gtm_platform.serving.store import Snapshot
from gtm_platform.serving.wording import NOTHING, share_with_interval, words

METRICS = ("customers_met", "answered_quickly", "show_rate")
TITLES = {"deal_won": "Deals won", "stage_moved": "Deals that moved on", "renewed": "Customers who stayed"}
ABOUT = {
    "deal_won": "Deals of the last year; activity of its contacts before the day on which a deal was closed.",
    "stage_moved": "Deals that were open 30 days ago; activity before these days.",
    "renewed": "Who paid 90 days ago and was not leaving; activity before these days.",
}
COLOURS = {"with": ACCENT, "without": MUTED}
BY = {"account_manager": "Account manager", "stage": "Stage"}


def show(snapshot: Snapshot) -> None:
    """Draw the page."""
    st.title("Activity")
    answer, figures = activity(snapshot), Figures(snapshot)
    st.info(plain(answer.caveat), icon=":material/info:")
    cards(figures, METRICS)
    for outcome, title in TITLES.items():
        with st.container(border=True):
            _outcome(answer, outcome, title)
    with st.container(border=True):
        _members(answer)
    with st.container(border=True):
        _managers(answer)


def _outcome(answer: ActivityAnswer, outcome: str, title: str) -> None:
    st.subheader(title, anchor=False)
    whole = [each for each in answer.rates if each.outcome == outcome and each.split == "all"]
    if not whole:
        st.caption("No such outcome yet.")
        return
    left, right = st.columns(2)
    with left:
        drawn = [row for each in whole for row in _drawn(each)]
        draw(rates(drawn, COLOURS), f"{title} with and without each activity, with intervals")
    with right:
        rows = [
            {
                "activity": words(each.activity),
                "difference": _difference(each),
                "verdict": words(each.verdict),
                "means": answer.activities[each.activity],
            }
            for each in whole
        ]
        columns = st.column_config
        show_rows(
            rows,
            {
                "activity": columns.TextColumn("Activity", width=120),
                "difference": columns.TextColumn("Difference", width=160),
                "verdict": columns.TextColumn("Good outcomes come", width=150),
                "means": columns.TextColumn("Means", width=260),
            },
            f"{title}: the difference that goes with each activity",
        )
        st.caption(plain(f"{ABOUT[outcome]} Activity is that of {answer.before_days} days."))


def _drawn(row: ActivityRate) -> list[Rate]:
    """Return the rates with and without an activity, where there are outcomes of it."""
    drawn = []
    for side in COLOURS:
        rate, low, high = (getattr(row, f"rate_{side}{end}") for end in ("", "_low", "_high"))
        if rate is not None and low is not None and high is not None:
            good, count = getattr(row, f"good_{side}"), getattr(row, f"outcomes_{side}")
            name = f"{words(row.activity)}: {'yes' if side == 'with' else 'no'}"
            drawn.append(Rate(name, rate, low, high, f"{good:,} of {count:,}", side))
    return drawn


def _difference(row: ActivityRate) -> str | None:
    """Return a difference in points of percent with its interval."""
    if row.difference is None or row.difference_low is None or row.difference_high is None:
        return None
    low, high = row.difference_low * 100, row.difference_high * 100
    return f"{row.difference * 100:+.0f} points ({low:+.0f} to {high:+.0f})"


def _members(answer: ActivityAnswer) -> None:
    st.subheader("By account manager and stage", anchor=False)
    members = [each for each in answer.rates if each.split in BY]
    if not members:
        st.caption("No outcome yet.")
        return
    by = st.segmented_control(
        "By", options=list(BY), format_func=BY.__getitem__, default="account_manager", key="by", bind="query-params"
    )
    rows = [
        {
            "member": each.member or NOTHING,
            "outcome": TITLES[each.outcome],
            "activity": words(each.activity),
            "with": share_with_interval(each.rate_with, each.rate_with_low, each.rate_with_high),
            "outcomes_with": each.outcomes_with,
            "without": share_with_interval(each.rate_without, each.rate_without_low, each.rate_without_high),
            "outcomes_without": each.outcomes_without,
        }
        for each in members
        if each.split == by
    ]
    columns = st.column_config
    show_rows(
        rows,
        {
            "member": columns.TextColumn(BY.get(by or "", "Member"), width=160),
            "outcome": columns.TextColumn("Outcome", width=160),
            "activity": columns.TextColumn("Activity", width=130),
            "with": columns.TextColumn("With it", width=140),
            "outcomes_with": columns.NumberColumn("Of (with)", width=80),
            "without": columns.TextColumn("Without it", width=140),
            "outcomes_without": columns.NumberColumn("Of (without)", width=90),
        },
        "Good outcomes with and without each activity, by member",
    )
    st.caption(plain("Members are not judged: of many small groups, some differ by chance."))


def _managers(answer: ActivityAnswer) -> None:
    st.subheader(f"Account managers, {answer.before_days} days", anchor=False)
    if not answer.account_managers:
        st.caption("No current customer has an account manager.")
        return
    rows = [
        each.model_dump() | {"account_manager": each.account_manager or NOTHING} for each in answer.account_managers
    ]
    columns = st.column_config
    counts = {
        "customers": "Customers",
        "customers_met": "Met",
        "meetings_held": "Meetings",
        "meetings_missed": "Missed",
        "written": "Messages to us",
        "answered": "Answered",
        "answered_quickly": f"Within {answer.quick_hours:g} h",
        "outreach": "Outreach",
        "logged_calls": "Calls logged",
        "logged_emails": "E-mails logged",
        "logged_meetings": "Meetings logged",
    }
    hours = {"median_response_hours": "Half within, h", "slow_response_hours": "9 of 10 within, h"}
    show_rows(
        rows,
        {
            "account_manager": columns.TextColumn("Account manager", width=150),
            **{name: columns.NumberColumn(title, width=90) for name, title in counts.items()},
            **{name: columns.NumberColumn(title, format="%.1f", width=100) for name, title in hours.items()},
        },
        "Activity of each account manager",
        order=["account_manager", *counts, *hours],
    )
    st.caption(plain("Anybody of ours may have answered. What is logged in the CRM counts for who logged it."))


PAGE = Page("activity", "Activity", ":material/forum:", 56, show)
