"""Movements of MRR by period and definition, why definitions differ, and what of MRR is retained."""

import streamlit as st

from gtm_platform.dashboard.charts import ACCENT, GOOD, draw, money_axis
from gtm_platform.dashboard.customer_table import money_column
from gtm_platform.dashboard.money_charts import month_names, share_lines, triangle, waterfall
from gtm_platform.dashboard.tables import show_rows
from gtm_platform.dashboard.wording import day, money, percent
from gtm_platform.serving.answers.revenue import OUR_POLICY, CohortMonth, MrrPeriod, RevenueAnswer
from gtm_platform.serving.wording import words

NAMES = {OUR_POLICY: "Ours", "stripe": "Stripe's", "chartmogul": "ChartMogul's"}
STEPS = {
    "fx": ("Rates", 1),
    "new": ("New", 1),
    "reactivation": ("Back", 1),
    "expansion": ("Expansion", 1),
    "contraction": ("Contraction", -1),
    "churn": ("Churn", -1),
}
RETAINED = {"Net": ACCENT, "Gross": GOOD}
MOST_AGES, MOST_COHORTS, ROW = 12, 18, 24


def show_periods(answer: RevenueAnswer, currency: str) -> None:
    """Draw the movements of a period by a definition of MRR."""
    st.subheader(f"Movements by {answer.period}", anchor=False)
    if not answer.periods:
        st.caption("Shown once a day of them was made.")
        return
    left, right = st.columns(2)
    with left:
        name = st.segmented_control(
            "By whose definition of MRR",
            answer.policies,
            default=answer.policies[0],
            required=True,
            format_func=policy_name,
            key="mrr_policy",
            bind="query-params",
        )
    periods = answer.of_policy(name)
    with right:
        starts = [str(each.period_start) for each in reversed(periods)]
        start = st.selectbox("From", starts, format_func=day, key="period")
    shown = next(each for each in periods if str(each.period_start) == start)
    rows = _steps(shown, currency)
    draw(waterfall(rows, money_axis(currency)), "MRR at the beginning, what moved it, and at the end")
    st.caption(
        f"{day(str(shown.period_start))} to {day(str(shown.until))}: net {percent(shown.nrr, 1)} and gross "
        f"{percent(shown.grr, 1)} retained; rates are in both. The axis does not begin at 0."
    )
    _causes(answer, name, currency)
    _movement_causes(answer, name, currency)


def policy_name(name: str) -> str:
    """Return whose definition of MRR it is."""
    return NAMES.get(name, name)


def _steps(period: MrrPeriod, currency: str) -> list[dict[str, object]]:
    level = period.opening
    rows: list[dict[str, object]] = [_bar("Opening", 0.0, level, "level", money(level, currency))]
    for name, (title, sign) in STEPS.items():
        amount = sign * getattr(period, name)
        if name == "fx" and not amount:
            continue
        text = f"{'+' if amount > 0 else ''}{money(amount, currency)}"
        rows.append(_bar(title, level, level + amount, "loss" if amount < 0 else "gain", text))
        level += amount
    rows.append(_bar("Closing", 0.0, period.closing, "level", money(period.closing, currency)))
    return rows


def _bar(name: str, begin: float, end: float, kind: str, text: str) -> dict[str, object]:
    return {"name": name, "begin": begin, "end": end, "kind": kind, "text": text}


def _causes(answer: RevenueAnswer, name: str, currency: str) -> None:
    """List why the definition's MRR of the newest day is other than ours."""
    causes = [each for each in answer.causes if name in (OUR_POLICY, each.to_policy)]
    if not causes:
        return
    st.markdown(
        "Why definitions differ today" if name == OUR_POLICY else f"Why {policy_name(name)} differs from ours today"
    )
    rows = [each.model_dump() | {"to_policy": policy_name(each.to_policy), "cause": each.cause} for each in causes]
    show_rows(
        rows,
        {
            "to_policy": st.column_config.TextColumn("Definition", width=120),
            "cause": st.column_config.TextColumn("Cause", width=160),
            "customers": st.column_config.NumberColumn("Customers", width=90),
            "amount": money_column("Adds to ours", currency, 110, signed=True),
        },
        "Causes by which definitions of MRR differ",
        order=["to_policy", "cause", "customers", "amount"],
    )


def _movement_causes(answer: RevenueAnswer, name: str, currency: str) -> None:
    """List why movements of the current period are others by another definition."""
    causes = [each for each in answer.movement_causes if name in (OUR_POLICY, each.to_policy)]
    if not causes:
        return
    st.markdown("Why movements of this period differ")
    rows = [each.model_dump() | {"to_policy": policy_name(each.to_policy), "item": words(each.item)} for each in causes]
    show_rows(
        rows,
        {
            "to_policy": st.column_config.TextColumn("Definition", width=120),
            "item": st.column_config.TextColumn("Movement", width=110),
            "cause": st.column_config.TextColumn("Cause", width=160),
            "customers": st.column_config.NumberColumn("Customers", width=90),
            "amount": money_column("Adds to closing", currency, 110),
        },
        "Causes by which movements differ between definitions of MRR",
        order=["to_policy", "item", "cause", "customers", "amount"],
    )


def show_retention_trend(answer: RevenueAnswer) -> None:
    """Draw net and gross revenue retention by period."""
    st.subheader("Net and gross retention", anchor=False)
    rows = [
        {"name": title, "month": str(each.period_start), "value": value}
        for each in answer.of_policy(OUR_POLICY)
        for title, value in (("Net", each.nrr), ("Gross", each.grr))
        if value is not None
    ]
    if not rows:
        st.caption("Shown once a period began with MRR.")
        return
    draw(share_lines(rows, RETAINED), f"Net and gross revenue retention by {answer.period}")
    st.caption("Of what customers paid as the period began. The last period goes on.")


def show_triangle(answer: RevenueAnswer, currency: str) -> None:
    """Draw how much of each month's customers, or of what they paid at first, is left."""
    st.subheader("Retention by cohort", anchor=False)
    if not answer.cohorts:
        st.caption("Shown once somebody paid.")
        return
    by = st.segmented_control(
        "Of", ["Customers", "MRR"], default="Customers", required=True, key="retention_of", bind="query-params"
    )
    first = max(each.cohort for each in answer.cohorts)
    newest = sorted({each.cohort for each in answer.cohorts if each.cohort <= first})[-MOST_COHORTS:]
    shown = [each for each in answer.cohorts if each.cohort in newest and each.age <= MOST_AGES]
    rows = [row for each in shown if (row := _cell(each, by == "MRR", currency))]
    draw(triangle(rows, ROW * len(newest) + 50), f"Share of {by} of each cohort that is left, by months since")
    if any(each.basis != "observed" for each in shown):
        st.caption(
            "Months before the first day of the platform are reconstructed from when subscriptions began and ended, "
            "at what they were last worth."
        )


def _cell(each: CohortMonth, of_money: bool, currency: str) -> dict[str, object] | None:
    share = each.mrr_retention if of_money else each.customer_retention
    if share is None:
        return None
    return {
        "cohort": month_names([str(each.cohort)])[0],
        "age": each.age,
        "value": share,
        "text": percent(share),
        "customers": each.customers,
        "paid": money(each.mrr, currency),
        "basis": each.basis,
    }
