"""Scores and their reasons as pages show them, and whom they are about: a customer, or a company."""

from collections.abc import Sequence
from typing import Any

import orjson
import pandas as pd
import streamlit as st

from gtm_platform.dashboard.customer_table import show_clickable
from gtm_platform.dashboard.tables import short_height
from gtm_platform.serving.answers.models import Scored, ScoreReason
from gtm_platform.serving.store import Snapshot
from gtm_platform.serving.wording import words

REASONS = 3  # in a row


def show_scores(snapshot: Snapshot, scored: Sequence[Scored], key: str, subject: str, about: str) -> None:
    """Draw a row for each, the highest score first; a click on a row opens its customer or company."""
    rows, pages, queries = [], [], []
    for each in scored:
        company = snapshot.company(each.id)
        name = _company_name(company) if company else _customer_name(snapshot, each.id)
        if name is not None:
            rows.append({"name": name, "score": each.score, "why": reasons(each.reasons)})
            pages.append("company" if company else "customer")
            queries.append({"id": each.id})
    columns = st.column_config
    show_clickable(
        pd.DataFrame(rows),
        key,
        pages,
        queries,
        {
            "name": columns.TextColumn(subject, width=190),
            "score": columns.ProgressColumn("Probability", format="percent", min_value=0, max_value=1, width=150),
            "why": columns.TextColumn("Why", width=520),
        },
        about,
        height=short_height(len(rows)),
    )


def reasons(parts: Sequence[ScoreReason]) -> str:
    """Return what adds most to a score, in words."""
    strongest = [each for each in parts if each.log_odds][:REASONS]
    return ", ".join(f"{words(each.column)} {_value(each)} ({each.log_odds:+.2f})" for each in strongest)


def _value(reason: ScoreReason) -> str:
    if reason.text is not None:
        return reason.text
    return "unknown" if reason.value is None else f"{reason.value:.4g}"


def _company_name(body: bytes) -> str:
    row: dict[str, Any] = orjson.loads(body)
    return str(row["name"] or row["domain"] or row["company_id"])


def _customer_name(snapshot: Snapshot, customer_id: str) -> str | None:
    customer = snapshot.customer(customer_id)
    if customer is None:
        return None
    row: dict[str, Any] = customer.row(personal=True)
    return str(row.get("name") or row.get("email") or customer_id)
