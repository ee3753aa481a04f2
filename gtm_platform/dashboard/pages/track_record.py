"""Whether health and alerts work: how far ahead churn was seen, how often a flag was right, and what was missed."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from gtm_platform.dashboard.charts import ACCENT, BAD, GOOD, MUTED, WARN, bars, draw
from gtm_platform.dashboard.customer_table import show_clickable
from gtm_platform.dashboard.frame.page import Page
from gtm_platform.dashboard.metric_cards import card_row, plain_card
from gtm_platform.dashboard.tables import short_height, show_rows
from gtm_platform.dashboard.wording import number, percent, plain
from gtm_platform.health.backtest import EARLY, LATE, MIN_CHURNS
from gtm_platform.health.backtest_history import HORIZON
from gtm_platform.serving.answers.track_record import (
    AlertKind,
    HelpfulRule,
    MeasuredFigure,
    MissedChurn,
    RulesTested,
    TrackRecord,
    track_record,
)
from gtm_platform.serving.store import Snapshot
from gtm_platform.serving.wording import counted, share_with_interval, words

NO_FIGURE = MeasuredFigure(value=None, low=None, high=None)
# Cards by measure of the back-test, with what each means.
CARDS = {
    "precision_at_risk": ("At risk, and churned", f"Of flagged customers those who churned within {HORIZON} days."),
    "base_rate": ("Base rate", f"Of all customers those who churned within {HORIZON} days."),
    f"flagged_{EARLY}_days_ahead": (f"Flagged {EARLY} days ahead", "Of all churns."),
    "green_at_churn": ("Healthy at churn", "Of all churns those that nothing announced."),
}
VERDICTS = {
    "too few": f"Too few customers churned to judge by: {MIN_CHURNS} are needed.",
    "no signal": "Scores do no better than chance.",
    "signal": "Lower scores churn more often, beyond chance.",
}


def show(snapshot: Snapshot) -> None:
    """Draw the page."""
    st.title("Does it work")
    record = track_record(snapshot)
    if record.rules:
        _health(record, record.rules[0])
    else:
        st.info(
            f"Health is tested on the churns of the past once there are more than {HORIZON} days of it.",
            icon=":material/hourglass_empty:",
        )
    with st.container(border=True):
        _alerts(record)
    if record.rules:
        with st.container(border=True):
            _missed(snapshot, record)


def _health(record: TrackRecord, rules: RulesTested) -> None:
    in_force = "the rules in force" if rules.in_force else "rules that are no longer in force"
    count = rules.counts
    st.caption(
        f"By the back-test of {record.month:%B %Y}, of scores made by {in_force}: "
        f"{counted(count['cases'], 'case')} of a customer on the first of a month, "
        f"{counted(count['churners'], 'churn')} seen for {HORIZON} days. {VERDICTS[rules.verdict]}"
    )
    with card_row():
        for measure, (title, about) in CARDS.items():
            figure = rules.figures.get(measure, NO_FIGURE)
            plain_card(title, percent(figure.value), f"{about} {_interval(figure)}")
        days = rules.figures.get("median_days_ahead", NO_FIGURE).value
        plain_card("Days ahead", number(days), "Median from the first flag to the churn, of those that were flagged.")
        plain_card("Missed churns", number(count["missed"]), f"Healthy to the end, or flagged under {LATE} days ahead.")
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        _days_ahead(rules)
    with right.container(border=True, height="stretch"):
        _precision(rules)


def _interval(figure: MeasuredFigure) -> str:
    if figure.low is None or figure.high is None:
        return ""
    return f"95 % of resampled customers: {figure.low * 100:.0f} to {figure.high * 100:.0f} %."


def _days_ahead(rules: RulesTested) -> None:
    """Draw how many churns were flagged how far ahead."""
    st.subheader("How far ahead", anchor=False)
    churns, flagged = rules.counts["churners"], rules.counts["flagged"]
    early, late = (
        round((rules.figures.get(f"flagged_{days}_days_ahead", NO_FIGURE).value or 0) * churns)
        for days in (EARLY, LATE)
    )
    colours = {
        f"{EARLY} days or more": GOOD,
        f"{LATE} to {EARLY - 1} days": WARN,
        f"1 to {LATE - 1} days": BAD,
        "Never": MUTED,
    }
    values = (early, late - early, flagged - late, churns - flagged)
    rows = [
        {"name": name, "value": value, "text": counted(value, "churn")}
        for name, value in zip(colours, values, strict=True)
    ]
    draw(bars(rows, colours, width=130), "Churns by how many days before they were flagged")


def _precision(rules: RulesTested) -> None:
    """Draw how often a flag or an alert was right, beside how often anybody churns."""
    st.subheader(f"Who churned within {HORIZON} days", anchor=False)
    named = {"base_rate": "Any customer", "precision_at_risk": "At risk", "precision_alerts": "With an alert"}
    kinds = {name: words(name.removeprefix("precision_alerts_")) for name in sorted(rules.figures) if _is_kind(name)}
    rows = [
        {"name": title, "value": figure.value, "text": share_with_interval(figure.value, figure.low, figure.high)}
        for measure, title in {**named, **kinds}.items()
        if (figure := rules.figures.get(measure)) and figure.value is not None
    ]
    colours = {str(row["name"]): ACCENT for row in rows} | {named["base_rate"]: MUTED}
    draw(bars(rows, colours, width=150), "Share of customers who churned, beside the base rate")


def _is_kind(measure: str) -> bool:
    return measure.startswith("precision_alerts_")


def _alerts(record: TrackRecord) -> None:
    st.subheader(f"What readers think of alerts, {record.alert_days} days", anchor=False)
    if not record.alerts:
        st.caption("No alert of these days was looked at yet: reactions are read back with each delivery.")
        return
    columns = st.column_config
    show_rows(
        [_alert_row(kind) for kind in record.alerts],
        {
            "kind": columns.TextColumn("Kind", width=190),
            "sent": columns.NumberColumn("Sent", width=70),
            "useful": columns.NumberColumn("Useful", width=70),
            "not_useful": columns.NumberColumn("Not useful", width=90),
            "precision": columns.ProgressColumn("Precision", format="percent", min_value=0, max_value=1, width=190),
        },
        "Alerts by kind, with what their readers thought of them",
    )
    st.caption("Readers judge an alert by a thumb up or down on its message; a tie is not useful.")


def _alert_row(kind: AlertKind) -> dict[str, Any]:
    row: dict[str, Any] = kind.model_dump()
    return row | {"kind": words(kind.kind)}


def _missed(snapshot: Snapshot, record: TrackRecord) -> None:
    st.subheader(f"Missed churns: {record.rules[0].counts['missed']:,}", anchor=False)
    if not record.missed:
        st.caption("None: every churn was flagged in time.")
        return
    for helpful in record.rules_that_would_help[:3]:
        st.markdown(_help(helpful))
    customers = [snapshot.customer(each.customer_id) for each in record.missed]
    _missed_table(record.missed, [each.row(personal=True) if each else {} for each in customers])


def _help(helpful: HelpfulRule) -> str:
    churns, those = counted(helpful.churns, "churn"), "it" if helpful.churns == 1 else "them"
    if helpful.rule is None:
        return f"{churns}: nothing that is known showed {those}."
    return (
        f"{churns}: *{plain(helpful.rule)}* would have caught {those}, for {helpful.more_alarms} more alarms a month."
    )


def _missed_table(missed: Sequence[MissedChurn], customers: Sequence[Mapping[str, Any]]) -> None:
    columns = st.column_config
    rows = [
        {
            "name": customer.get("name") or customer.get("email") or each.customer_id,
            "churned_on": pd.Timestamp(each.churned_on),
            "score_before": each.score_before,
            "days_ahead": each.days_ahead,
            "first_knowable": pd.Timestamp(each.first_knowable) if each.first_knowable else None,
            "rule": each.rule,
        }
        for each, customer in zip(missed, customers, strict=True)
    ]
    show_clickable(
        pd.DataFrame(rows),
        "missed",
        "customer",
        [{"id": each.customer_id} for each in missed],
        {
            "name": columns.TextColumn("Customer", width=170),
            "churned_on": columns.DateColumn("Churned", width=100, format="D MMM YYYY"),
            "score_before": columns.NumberColumn("Score before", width=90),
            "days_ahead": columns.NumberColumn("Days ahead", width=90),
            "first_knowable": columns.DateColumn("Could be seen", width=110, format="D MMM YYYY"),
            "rule": columns.TextColumn("Cheapest rule", width=300),
        },
        "Churns that were missed, the latest first; a click on a row opens the customer",
        height=short_height(len(rows)),
    )


PAGE = Page("track_record", "Does it work", ":material/fact_check:", 65, show)
