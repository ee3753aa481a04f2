"""Tables of a page: as high as their rows, until they are scrolled instead."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import streamlit as st

from gtm_platform.serving.wording import NOTHING

MOST_ROWS, MOST_PIXELS = 20, 720
LISTED, PIXELS = 9, 330  # of a table among others on a page


def table_height(rows: int, most_rows: int = MOST_ROWS, most_pixels: int = MOST_PIXELS) -> Literal["content"] | int:
    """Return the height of a table: that of its rows, until it is scrolled instead."""
    return "content" if rows <= most_rows else most_pixels


def short_height(rows: int) -> Literal["content"] | int:
    """Return the height of a table among others on a page."""
    return table_height(rows, LISTED, PIXELS)


def show_rows(
    rows: Sequence[Mapping[str, Any]] | pd.DataFrame,
    columns: Mapping[str, Any],
    about: str,
    order: Sequence[str] | None = None,
) -> None:
    """Draw rows by the configuration of their columns; `about` says what they are to who cannot see them."""
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        placeholder=NOTHING,
        height=short_height(len(rows)),
        column_order=order,
        column_config=columns,
        alt=about,
    )
