"""The outcome that is scored: a column of two values, and which of them is the event."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gtm_platform.intelligence.scoring.values import as_numbers, as_texts

YES = frozenset(
    [
        *("yes", "y", "true", "t", "won", "churned", "churn", "converted", "subscribed", "positive", "bad", "default"),
        *("defaulted", "left", "success", "successful", "responded", "purchased", "bought", "survived", "exited"),
        *("attrited", "attrited_customer", "cancelled", "canceled", "malignant", "fraud"),
    ]
)
NO = frozenset(
    [
        *("no", "n", "false", "f", "lost", "stayed", "active", "retained", "kept", "not_churned", "no_churn"),
        *("negative", "failure", "failed", "open", "not_converted", "unconverted", "existing", "existing_customer"),
        "benign",
    ]
)


class NoOutcome(ValueError):
    """A column is no outcome of two values; the message says what it has instead."""


@dataclass(frozen=True)
class Outcome:
    """Which rows have an outcome, and in which of them the event took place."""

    known_rows: NDArray[np.bool_]
    labels: NDArray[np.bool_]  # of the rows with an outcome
    event: str
    otherwise: str


def outcome_of(column: "pd.Series[Any]", name: str) -> Outcome:
    """Read an outcome from a column of any two values."""
    texts = as_texts(column)
    numbers = as_numbers(texts)
    if numbers is not None:
        texts = numbers.map(lambda number: None if pd.isna(number) else f"{number:g}")
    filled = texts.notna().to_numpy()
    values = sorted(set(texts[filled]))
    if len(values) != 2:
        raise NoOutcome(_not_two(name, values))
    event = _event(texts[filled], values)
    otherwise = next(value for value in values if value != event)
    return Outcome(filled, (texts[filled] == event).to_numpy(dtype=bool), event, otherwise)


def _event(texts: "pd.Series[Any]", values: list[str]) -> str:
    """Return the larger number, else the value whose word says so, else the rarer."""
    with suppress(ValueError):
        return max(values, key=float)
    keys = {"_".join(value.lower().split()): value for value in values}
    for words, is_event in ((YES, True), (NO, False)):
        matching = [value for key, value in keys.items() if key in words]
        if len(matching) == 1:
            return matching[0] if is_event else next(value for value in values if value != matching[0])
    counts = texts.value_counts()
    return min(values, key=lambda value: (counts[value], value))


def _not_two(name: str, values: list[str]) -> str:
    if not values:
        return f"Column {name!r} has no values. The target needs two, such as yes and no."
    shown = ", ".join(repr(value) for value in values[:5]) + (" …" if len(values) > 5 else "")
    count = "only one value" if len(values) == 1 else f"{len(values)} different values"
    return f"Column {name!r} has {count} ({shown}). The target needs exactly two, such as yes and no."
