"""How MRR moved over a window: what came, grew, shrank and left, and what of it was retained."""

import streamlit as st

from gtm_platform.dashboard.charts import BAD, GOOD, bars, draw
from gtm_platform.dashboard.metric_cards import Figures
from gtm_platform.dashboard.wording import money, plain
from gtm_platform.serving.answers.mrr_movement import PARTS, MrrMovement, mrr_movement, windows
from gtm_platform.serving.metrics.metric import WINDOWS

TITLES = {"new": "New", "expansion": "Expansion", "contraction": "Contraction", "churned": "Churn"}
COLOURS = {TITLES[part]: GOOD if sign > 0 else BAD for part, sign in PARTS.items()}


def longest_movement(figures: Figures) -> MrrMovement | None:
    """Return the movement over the longest window there is; None in a home younger than all."""
    days = max(windows(figures.summary), default=None)
    return mrr_movement(figures.summary, days) if days else None


def show_movements(movement: MrrMovement | None, figures: Figures) -> None:
    """Draw a movement; a sentence where there is none yet."""
    if movement is None:
        st.caption(f"Shown once the home has a day {min(WINDOWS)} days before this one.")
        return
    amounts = {TITLES[part]: sign * getattr(movement, part) for part, sign in PARTS.items()}
    currency = figures.currency
    rows = [
        {"name": name, "value": abs(amount), "text": f"{'+' if amount > 0 else ''}{money(amount, currency)}"}
        for name, amount in amounts.items()
    ]
    draw(bars(rows, COLOURS), f"MRR that came, grew, shrank and left in {movement.days} days")
    net = movement.net
    st.markdown(
        f"{plain(money(movement.before, currency))} became **{plain(money(movement.after, currency))}**, net "
        f":{'green' if net >= 0 else 'red'}[{plain(('+' if net > 0 else '') + money(net, currency))}]"
    )
