"""The forecast of MRR after its past, beside the naive one, and why it is to be believed."""

import streamlit as st

from gtm_platform.dashboard.charts import draw, money_axis
from gtm_platform.dashboard.money_charts import forecast_band
from gtm_platform.dashboard.wording import money, percent, plain
from gtm_platform.serving.answers.revenue import RevenueAnswer


def show_forecast(answer: RevenueAnswer, currency: str) -> None:
    """Draw the months that are over and those to come."""
    st.subheader("Forecast", anchor=False)
    if not answer.forecast:
        st.caption("Shown once three months are over.")
        return
    past = [{"month": str(each.month), "value": each.mrr} for each in answer.history if each.is_over]
    steps = [each.model_dump(mode="json") for each in answer.forecast]
    if past:
        start = past[-1]["value"]
        joint = {"month": past[-1]["month"], "value": start, "low": start, "high": start, "naive": start}
        steps = [joint, *steps]
    draw(forecast_band(past, steps, money_axis(currency)), "MRR by month, its forecast, and the naive forecast")
    last = answer.forecast[-1]
    between = (
        f", between {money(last.low, currency)} and {money(last.high, currency)}"
        if last.low is not None and last.high is not None
        else ""
    )
    st.markdown(
        f"In {last.months_ahead} months: **{plain(money(last.value, currency))}**{plain(between)}. "
        f"{plain(last.verdict)}"
    )
    st.caption(plain(_trust(answer)))


def _trust(answer: RevenueAnswer) -> str:
    last = answer.forecast[-1]
    seen = f"From {last.months} months, {last.observed_months} of them observed."
    if last.coverage is None:
        return f"{seen} Past forecasts are too few for intervals that were tried."
    return f"{seen} Past intervals held {percent(last.coverage)} of what came; dashed is the naive forecast."
