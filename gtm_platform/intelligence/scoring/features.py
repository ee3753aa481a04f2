"""From a table as people have it to columns that a model can use: numbers, categories, dates; and what is left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gtm_platform.intelligence.scoring.names import is_id, is_id_of_subject, is_row_number, is_subject
from gtm_platform.intelligence.scoring.values import as_days, as_numbers, as_texts, days_of, holds_lists

Kind = Literal["number", "category", "date"]
Floats = NDArray[np.float64]

DISTINCT_SHARE = 0.5  # a text with more different values than this share of its rows describes single rows
ID_SHARE, FEWEST_IDS = 0.05, 50  # an id with fewer different values is a category
FEWEST_VALUES = 10
FEWEST_SUBJECTS = 20  # different ids of somebody, from which on a column says whom a row is about, and not what
OTHER = -1.0  # the code of a value that was not seen in training


@dataclass(frozen=True)
class Feature:
    """A column that a model can use."""

    name: str
    kind: Kind
    levels: tuple[str, ...] = ()  # of a category, in the order of their codes


@dataclass(frozen=True)
class Features:
    """Columns as a matrix of numbers, NaN for null.

    A category is a code, a date days since 1970 or before the row's time.
    """

    columns: tuple[Feature, ...]
    matrix: Floats
    left_out: Mapping[str, str] = field(default_factory=dict)  # column → why it is of no use
    subjects: NDArray[np.int64] | None = None  # who each row is about, where somebody has several

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [column.name for column in self.columns]

    def without(self, names: Sequence[str]) -> "Features":
        """Return the columns but those."""
        places = [place for place, column in enumerate(self.columns) if column.name not in set(names)]
        return self.at_columns(places)

    def at_columns(self, places: Sequence[int]) -> "Features":
        """Return the columns at some places."""
        columns = tuple(self.columns[place] for place in places)
        return Features(columns, self.matrix[:, list(places)], self.left_out, self.subjects)

    def rows(self, rows: NDArray[Any]) -> "Features":
        """Return some rows."""
        subjects = None if self.subjects is None else self.subjects[rows]
        return Features(self.columns, self.matrix[rows], self.left_out, subjects)


def features_of(frame: "pd.DataFrame", times: Floats | None = None) -> Features:
    """Work out what each column is, and turn it into numbers.

    `times` are the as-of moments of the rows, in days; dates count back from them.
    """
    columns: list[Feature] = []
    matrix: list[Floats] = []
    left_out: dict[str, str] = {}
    subjects: NDArray[np.int64] | None = None
    for name in frame.columns:
        feature, values, reason = _read(str(name), frame[name], times)
        if feature is None or values is None:
            left_out[str(name)] = reason
            if subjects is None:
                subjects = _subjects(str(name), frame[name])
            continue
        columns.append(feature)
        matrix.append(values)
    stacked = np.column_stack(matrix) if matrix else np.empty((len(frame), 0))
    return Features(tuple(columns), stacked, left_out, subjects)


def encoded(frame: "pd.DataFrame", columns: Sequence[Feature], times: Floats | None = None) -> Floats:
    """Return rows in columns that were worked out before, of another table."""
    if missing := [column.name for column in columns if column.name not in frame.columns]:
        raise LookupError(f"The table lacks columns that the model was trained on: {', '.join(missing)}.")
    return np.column_stack([_encoded(frame[column.name], column, times) for column in columns])


def _encoded(values: "pd.Series[Any]", column: Feature, times: Floats | None) -> Floats:
    if column.kind == "date":
        days = _days(values)
        return np.full(len(values), np.nan) if days is None else _relative(days, times)
    if column.kind == "number":
        if pd.api.types.is_timedelta64_dtype(values.dtype):
            values = values / pd.Timedelta(days=1)
        if pd.api.types.is_numeric_dtype(values.dtype):
            return _finite(values)
        numbers = as_numbers(as_texts(values))
        return np.full(len(values), np.nan) if numbers is None else numbers.to_numpy(dtype=float)
    codes = {level: float(code) for code, level in enumerate(column.levels)}
    texts = as_texts(values)
    row_codes = texts.map(lambda text: codes.get(text, OTHER)).to_numpy(dtype=float, na_value=np.nan)
    return np.where(texts.notna(), row_codes, np.nan)


def _read(name: str, values: "pd.Series[Any]", times: Floats | None) -> tuple[Feature | None, Floats | None, str]:
    """Return what a column is and its numbers, or why it is of no use."""
    if holds_lists(values):
        return None, None, "its values are lists or records"
    if is_id_of_subject(name) and values.nunique() >= FEWEST_SUBJECTS:
        return None, None, "it is an id"
    if (count := int(values.notna().sum())) < FEWEST_VALUES:
        return None, None, "it has no values" if not count else f"it has a value in {count} rows only"
    if pd.api.types.is_timedelta64_dtype(values.dtype):
        values = values / pd.Timedelta(days=1)
    if (days := _days(values)) is not None:
        return _checked(Feature(name, "date"), _relative(days, times))
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        return _checked_number(name, _finite(values))
    texts = as_texts(values)
    if (numbers := as_numbers(texts)) is not None:
        return _checked_number(name, numbers.to_numpy(dtype=float))
    return _category(name, texts)


def _category(name: str, texts: "pd.Series[Any]") -> tuple[Feature | None, Floats | None, str]:
    filled = texts.dropna()
    distinct = filled.nunique()
    if distinct > FEWEST_IDS and distinct > (ID_SHARE if is_id(name) else DISTINCT_SHARE) * len(filled):
        return None, None, "it is an id" if is_id(name) else "nearly every row has a value of its own"
    levels = tuple(sorted(filled.unique()))
    codes = {level: float(code) for code, level in enumerate(levels)}
    return _checked(Feature(name, "category", levels), texts.map(codes).to_numpy(dtype=float))


def _checked_number(name: str, values: Floats) -> tuple[Feature | None, Floats | None, str]:
    filled = values[~np.isnan(values)]
    distinct = len(np.unique(filled))
    whole = bool(np.all(filled == np.round(filled)))
    if whole and distinct > FEWEST_IDS:
        if is_id(name) and distinct > ID_SHARE * len(filled):
            return None, None, "it is an id"
        if is_row_number(name) and distinct > 0.9 * len(filled):
            return None, None, "it numbers the rows"
        if distinct == len(filled) and bool(np.all(np.abs(np.diff(filled)) == 1)):
            return None, None, "it numbers the rows"
    return _checked(Feature(name, "number"), values)


def _checked(feature: Feature, values: Floats) -> tuple[Feature | None, Floats | None, str]:
    missing = np.isnan(values)
    if len(values) - missing.sum() < FEWEST_VALUES:
        return None, None, f"it has a value in {len(values) - missing.sum()} rows only"
    if len(np.unique(values[~missing])) == 1 and not missing.any():
        return None, None, "it is the same in every row"
    return feature, values, ""


def _subjects(name: str, values: "pd.Series[Any]") -> NDArray[np.int64] | None:
    """Return whom the rows are about, where the column names them and somebody has several rows."""
    if not is_subject(name) or holds_lists(values):
        return None
    codes, distinct = pd.factorize(values)
    return np.where(codes < 0, len(distinct) + np.arange(len(codes)), codes) if len(distinct) < len(codes) else None


def _days(values: "pd.Series[Any]") -> "pd.Series[Any] | None":
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return days_of(values)
    if pd.api.types.is_numeric_dtype(values.dtype):
        return None
    return as_days(as_texts(values))


def _relative(days: "pd.Series[Any]", times: Floats | None) -> Floats:
    """Return days since 1970, or how many days before the row's time."""
    values: Floats = days.to_numpy(dtype=float)
    return values if times is None else times - values


def _finite(values: "pd.Series[Any]") -> Floats:
    numbers: Floats = values.to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan)
