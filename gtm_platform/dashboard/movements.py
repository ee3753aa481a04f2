"""How MRR moved over a window: what came, grew, shrank and left, and what of it was retained."""

import streamlit as st

from gtm_platform.dashboard.charts import BAD, GOOD, bars, draw
from gtm_platform.dashboard.metric_cards import Figures
from gtm_platform.dashboard.wording import plain
from gtm_platform.serving.metrics.metric import WINDOWS

PARTS = {"New": ("new_mrr", 1), "Expansion": ("expansion_mrr", 1), "Contraction": ("contraction_mrr", -1)}
PARTS["Churn"] = ("churned_mrr", -1)
COLOURS = {name: GOOD if sign > 0 else BAD for name, (_, sign) in PARTS.items()}


def windows(figures: Figures) -> list[int]:
    """Return the windows, in days, over which the store has movements."""
    return [days for days in WINDOWS if figures.value(f"new_mrr_{days}d") is not None]


def longest_window(figures: Figures) -> int | None:
    """Return the longest of them; None in a home younger than all."""
    return max(windows(figures), default=None)


def show_movements(figures: Figures, days: int | None) -> None:
    """Draw the movements of a window; a sentence where there are none yet."""
    if days is None:
        st.caption(f"Shown once the home has a day {min(WINDOWS)} days before this one.")
        return
    amounts = {name: sign * (figures.value(f"{metric}_{days}d") or 0) for name, (metric, sign) in PARTS.items()}
    rows = [
        {"name": name, "value": abs(amount), "text": f"{'+' if amount > 0 else ''}{_text(figures, amount)}"}
        for name, amount in amounts.items()
    ]
    draw(bars(rows, COLOURS), f"MRR that came, grew, shrank and left in {days} days")
    net = sum(amounts.values())
    before = (figures.value("mrr") or 0) - net
    st.markdown(
        f"{plain(_text(figures, before))} became **{plain(figures.text('mrr', figures.value('mrr')))}**, net "
        f":{'green' if net >= 0 else 'red'}[{plain(('+' if net > 0 else '') + _text(figures, net))}]"
    )


def _text(figures: Figures, amount: float) -> str:
    return figures.text("mrr", amount)
