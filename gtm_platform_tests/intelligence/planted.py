"""Tables whose truth is known: a signal of a known strength, chance alone, and columns made of the outcome."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class Planted:
    """A table with the outcome `left`, and the probability that each row had of it."""

    frame: pd.DataFrame
    truth: NDArray[np.float64]


def signal(rows: int = 3000, seed: int = 0) -> Planted:
    """Return a table with a logistic truth: linear parts, an interaction, a wave, a category, missing values."""
    draw = np.random.default_rng(seed)
    numbers = draw.normal(size=(rows, 5))
    plan = draw.choice(["free", "team", "enterprise"], rows)
    tenure = draw.integers(0, 72, rows)
    odds = 0.9 * numbers[:, 0] - 0.6 * numbers[:, 1] * (numbers[:, 2] > 0) + 0.4 * np.sin(2 * numbers[:, 3])
    odds += 0.8 * (plan == "free") - 0.03 * tenure - 0.3
    truth = 1 / (1 + np.exp(-odds))
    frame = pd.DataFrame(numbers, columns=["usage_change", "calls", "seats", "growth", "noise"])
    frame["calls"] = frame["calls"].where(draw.random(rows) > 0.05)
    frame = frame.assign(plan=plan, tenure=tenure, customer_id=[f"c{row}" for row in range(rows)])
    return Planted(frame.assign(left=np.where(draw.random(rows) < truth, "yes", "no")), truth)


def chance(rows: int = 600, seed: int = 0, rate: float = 0.25) -> pd.DataFrame:
    """Return a table in which nothing tells the outcome."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(draw.normal(size=(rows, 8)), columns=[f"x{place}" for place in range(8)])
    frame["plan"] = draw.choice(list("abcdefgh"), rows)
    return frame.assign(left=draw.random(rows) < rate)


def with_leaks(frame: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Add columns that are made of the outcome, each in another way."""
    draw = np.random.default_rng(seed)
    left = (frame["left"] == "yes").to_numpy()
    rows = len(frame)
    return frame.assign(
        exit_survey=np.where(left, draw.choice(["price", "support", "other"], rows), None),
        days_open=np.where(left, draw.integers(1, 60, rows), 70 + draw.integers(0, 60, rows)),
        team=np.where(left & (draw.random(rows) < 0.3), "win-back", np.where(draw.random(rows) < 0.5, "a", "b")),
        LastActivityDate=draw.choice(["email", "call"], rows),
        lead_tags=draw.choice(["x", "y"], rows),
    )
