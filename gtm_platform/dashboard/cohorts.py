"""The cohorts of companies as pages show them: their names, their colours, the table of who moved."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from gtm_platform.dashboard.customer_table import show_clickable
from gtm_platform.serving.answers.cohorts import Transition
from gtm_platform.serving.wording import COHORT_NAMES, NOTHING, small_words

COHORT_OF = {name: cohort for cohort, name in COHORT_NAMES.items()}
COLOURS = dict(zip(COHORT_NAMES.values(), ("#2b8a5e", "#7048e8", "#3b5bdb", "#e8590c"), strict=True))


def show_transitions(transitions: Sequence[Transition], key: str) -> None:
    """Draw the table of companies that moved; a click on a row opens the company."""
    rows = [
        {
            "company": each.company,
            "at": pd.Timestamp(each.at),
            "trigger": each.trigger,
            "from": COHORT_NAMES.get(each.from_cohort or "", NOTHING),
            "to": COHORT_NAMES.get(each.to_cohort or "", NOTHING),
            "evidence": [small_words(sign) for sign in each.evidence],
        }
        for each in transitions
    ]
    columns = st.column_config
    show_clickable(
        pd.DataFrame(rows),
        key,
        "company",
        [{"id": each.company_id} for each in transitions],
        {
            "company": columns.TextColumn("Company", width=170),
            "at": columns.DateColumn("Day", width=95, format="D MMM YYYY"),
            "trigger": columns.TextColumn("What happened", width=190),
            "from": columns.TextColumn("From", width=130),
            "to": columns.TextColumn("To", width=130),
            "evidence": columns.ListColumn("Evidence", width=260),
        },
        "Companies that moved to another cohort, the latest first",
    )
