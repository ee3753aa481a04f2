"""The values of a column as files have them: texts, numbers with their signs, dates in the usual ways."""

import re
from typing import Any

import numpy as np
import pandas as pd

SURE = 0.9  # share of the values that have to be of a kind
NOTHING = frozenset(["", "null", "none", "nan", "n/a", "na", "#n/a", "\\n", "<na>", "nat", "?", "-"])
SIGNS = re.compile(r"[\s$€£¥%_]|(?<=\d)'(?=\d)")
THOUSANDS, DECIMAL_COMMA = re.compile(r",(?=\d{3}(\D|$))"), re.compile(r"^-?\d+,\d+$")
LIKE_A_DATE = r"\d{1,4}[-/. ](?:\d{1,2}|[A-Za-z]{3,9})[-/. ]\d{1,4}|[A-Za-z]{3,9}\.? \d{1,2},? \d{4}"
DATE_FORMATS = ("ISO8601", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m/%d/%y", "%d-%m-%Y", "%d %b %Y", "%b %d, %Y", "mixed")


def as_texts(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return the values as stripped texts, None where there is none."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.map({True: "true", False: "false"}).astype(object).where(column.notna(), None)
    if isinstance(column.dtype, pd.CategoricalDtype) or not pd.api.types.is_numeric_dtype(column.dtype):
        column = column.astype(object)
    uniques = {value: _text(value) for value in column.dropna().unique()} if _hashable(column) else None
    texts = column.map(uniques) if uniques is not None else column.map(_text)
    return texts.astype(object).where(texts.notna(), None)


def _text(value: Any) -> str | None:
    text = f"{value:g}" if isinstance(value, float) and value.is_integer() else str(value).strip()
    return None if text.lower() in NOTHING else text


def _hashable(column: "pd.Series[Any]") -> bool:
    return not column.map(lambda value: isinstance(value, list | dict | set | np.ndarray)).any()


def holds_lists(column: "pd.Series[Any]") -> bool:
    """Whether the values are lists, records or the like."""
    return column.dtype == object and not _hashable(column)


def as_numbers(texts: "pd.Series[Any]") -> "pd.Series[Any] | None":
    """Return texts as numbers if nearly all are: 12, 1,200.50, $12, 12 %, 1,5."""
    filled = texts.dropna()
    if filled.empty or filled.str.match(r"^0\d").mean() > 1 - SURE:  # what begins with a nought is a code
        return None
    distinct = pd.Series(filled.unique(), dtype=object)
    for cleaned in (distinct, distinct.map(_cleaned), distinct.map(_with_point)):
        numbers = pd.to_numeric(cleaned, errors="coerce").astype(float)
        result = texts.map(dict(zip(distinct, numbers, strict=True))).astype(float)
        if result.notna().sum() >= SURE * len(filled):
            return result.where(np.isfinite(result))
    return None


def _cleaned(text: str) -> str:
    return THOUSANDS.sub("", SIGNS.sub("", text))


def _with_point(text: str) -> str:
    bare = SIGNS.sub("", text)
    return bare.replace(",", ".") if DECIMAL_COMMA.match(bare) else bare


def as_days(texts: "pd.Series[Any]") -> "pd.Series[Any] | None":
    """Return texts as days since 1970 if nearly all are dates."""
    filled = texts.dropna()
    if filled.empty or filled.head(200).str.contains(LIKE_A_DATE, regex=True).mean() < SURE:
        return None
    distinct = pd.Series(filled.unique(), dtype=object)
    for style in DATE_FORMATS:
        moments = pd.to_datetime(distinct, format=style, errors="coerce", utc=True)
        days = texts.map(dict(zip(distinct, days_of(moments), strict=True))).astype(float)
        if days.notna().sum() >= SURE * len(filled):
            return days
    return None


def days_of(moments: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return moments as days since 1970, with fractions."""
    moments = pd.to_datetime(moments, utc=True)
    return (moments - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
