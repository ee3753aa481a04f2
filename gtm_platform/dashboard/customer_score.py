"""How a customer's score is made, in points earned and missed, and what moved it."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from gtm_platform.dashboard.charts import ACCENT, BAD, GOOD, INK, MUTED, ROW, TRACK, Drawing, bars, draw
from gtm_platform.dashboard.wording import day, number, percent, plain
from gtm_platform.health.explanation import Explanation
from gtm_platform.health.explanation_text import CAUSES, part_in_words, written
from gtm_platform.health.movement import MovedPart, ScoreMovement
from gtm_platform.serving.wording import words

NAMES = {"mrr": "MRR"}
USUAL_DAYS = 7  # over which what moved the score is shown first


def show_score(explanation: Explanation | None) -> None:
    """Draw the points of each component, out of those it could earn."""
    st.subheader("How the score is made", anchor=False)
    if explanation is None:
        st.caption("Only current customers have a score.")
        return
    rows = _score_rows(explanation)
    if any(each.possible for each in explanation.components):
        draw(_points(rows), "Points earned of those possible, by component")
    taken = sum(override.points for override in explanation.overrides)
    less = f", less {-taken} because {plain(_reasons(explanation))}," if taken else ","
    st.markdown(
        f":gray[Mean by weight {number(explanation.base_score, 1)}{less} gives] **{explanation.health_score}**:gray[. "
        f"From {percent(explanation.health_confidence)} of the weights; rules] `{explanation.policy_hash}`"
    )
    if not explanation.rules_in_force:
        st.caption("Made with rules that are no longer in force.")
    with st.expander("Every figure and calculation"):
        st.code(written(explanation), language=None, wrap_lines=True)


def _reasons(explanation: Explanation) -> str:
    return " and ".join(override.why for override in explanation.overrides)


def _name(component: str) -> str:
    return NAMES.get(component, words(component))


def _score_rows(explanation: Explanation) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {
            "name": _name(each.component),
            "possible": each.possible or 0,
            "earned": each.earned or 0,
            "text": "no data" if each.possible is None else f"{each.earned:.1f} of {each.possible:.0f}",
        }
        for each in explanation.components
    ]
    for override in explanation.overrides:
        name = words(override.override)
        rows.append({"name": name, "possible": 0, "earned": override.points, "text": f"{override.points}"})
    return rows


def _points(rows: Sequence[Mapping[str, Any]]) -> Drawing:
    data = pd.DataFrame([dict(row) for row in rows])
    data["end"] = data[["possible", "earned"]].max(axis=1).clip(lower=0)
    most, least = data["possible"].max() or 1, min(data["earned"].min(), 0)
    scale = alt.Scale(domain=[least, most * 1.5])
    y = alt.Y(
        "name:N",
        sort=list(data["name"]),
        title=None,
        axis=alt.Axis(domain=False, ticks=False, labelColor=MUTED, labelFontSize=12.5, labelPadding=8, labelLimit=110),
    )
    base = alt.Chart(data, height=alt.Step(ROW - 4))
    earned = alt.X("earned:Q", scale=scale, axis=None)
    colour = alt.condition("datum.earned < 0", alt.value(BAD), alt.value(ACCENT))
    tips = ["name:N", "text:N"]
    return alt.layer(
        base.mark_bar(height=16, cornerRadius=3, color=TRACK).encode(
            x=alt.X("possible:Q", scale=scale, axis=None), y=y
        ),
        base.mark_bar(height=16, cornerRadius=3).encode(x=earned, y=y, color=colour, tooltip=tips),
        base.mark_text(align="left", dx=6, color=INK, fontSize=12.5).encode(
            x=alt.X("end:Q", scale=scale, axis=None), y=y, text="text:N"
        ),
    )


def show_movement(explanation: Explanation) -> None:
    """Draw what moved the score since yesterday, in 7 or in 30 days."""
    st.subheader("Why it moved", anchor=False)
    movements = {movement.days: movement for movement in explanation.movements}
    if not movements:
        st.caption("The score is what it was yesterday, 7 and 30 days ago, as far as there was one.")
        return
    days = st.segmented_control(
        "Since", list(movements), default=USUAL_DAYS if USUAL_DAYS in movements else max(movements),
        format_func=_span, key="moved_in", required=True, label_visibility="collapsed",
    )  # fmt: skip
    _show_parts(movements[days or max(movements)])


def _span(days: int) -> str:
    return "Since yesterday" if days == 1 else f"{days} days"


def _show_parts(movement: ScoreMovement) -> None:
    st.markdown(f"From {movement.score_before} on {day(str(movement.since))} to **{movement.score}**")
    parts = movement.main_parts
    if not parts:
        st.caption("No fact moved it by as much as a tenth of a point.")
        return
    causes = {cause: sum(part.points for part in parts if part.cause == cause) for cause in CAUSES}
    of_others = [f"{CAUSES[cause]} {points:+.1f}" for cause, points in causes.items() if points]
    if of_others:
        st.caption(f"Not the customer's: {'; '.join(of_others)}")
    names = {f"{number}. {_part_name(part)}": part for number, part in enumerate(parts, 1)}
    rows = [{"name": name, "value": abs(each.points), "text": f"{each.points:+.1f}"} for name, each in names.items()]
    colours = {name: GOOD if each.points > 0 else BAD for name, each in names.items()}
    draw(bars(rows, colours, width=260), "Points by which each fact moved the score")


def _part_name(part: MovedPart) -> str:
    return part_in_words(part).replace("_", " ")  # an axis shows text as it is, not as markdown
