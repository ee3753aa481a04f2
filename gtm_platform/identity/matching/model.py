"""What each likeness is worth, learnt without labels: Fellegi-Sunter by expectation maximisation, with four classes.

A pair is of the *same* person; or of strangers; or of strangers of one *house*, who share company, place, phone and the
like; or of *namesakes*. Without the last two colleagues and families would be taken for one person. How often strangers
agree is not learnt but counted: from how frequent each value is, and from random pairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gtm_platform.identity.matching.comparison import (
    ABSENT,
    SHARED_BY_A_HOUSE,
    SHARED_BY_NAMESAKES,
    ComparedColumn,
)
from gtm_platform.identity.matching.roles import Role

Floats = npt.NDArray[np.float64]
Levels = Mapping[str, npt.NDArray[np.int64]]

SAME = 1  # the place of the class in `Model.classes`; strangers are 0
ROUNDS, SETTLED = 40, 1e-3
SMOOTHING = 0.1
MOST_APART = 0.25  # of the pairs of one person: the share whose names are not alike at all
FIRST_GUESS_EQUAL, FIRST_GUESS_APART = 0.8, 0.05
FIRST_GUESS_PRIOR = 1e-4  # of a class of strangers with something in common


@dataclass(frozen=True)
class PairSample:
    """Pairs as numbers: of each column the level, and how frequent its value is."""

    levels: Levels
    shares: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(next(iter(self.levels.values())))


@dataclass
class Model:
    """How likely each level of each column is in each class, and how likely each class."""

    columns: Sequence[ComparedColumn]
    classes: list[dict[str, Floats]]
    free: list[list[str]]  # the columns in which a class differs from strangers
    prior: Floats

    @property
    def chance(self) -> dict[str, Floats]:
        """How likely each level is among strangers."""
        return self.classes[0]

    def equal(self, nth: int, column: str) -> tuple[float, float]:
        """Return a, b of the density a + b × share of being equal on a value, over that of the value.

        Who is the same has the same value whatever its share; strangers by chance; a class in between as often as it
        agrees for a reason, and else by chance.
        """
        likely, chance = float(self.classes[nth][column][-1]), float(self.chance[column][-1])
        if nth == SAME:
            return likely, 0.0
        return max(likely - chance, 0.0), min(likely, chance) / chance

    def log_likelihood(self, nth: int, column: str, pairs: PairSample) -> Floats:
        """Return of each pair how likely its level of a column is in a class, as a logarithm."""
        levels, likely = pairs.levels[column], self.classes[nth][column]
        constant, by_share = self.equal(nth, column)
        of_level = np.where(levels == ABSENT, 0.0, np.log(likely)[levels])
        of_value = np.log(np.maximum(constant + by_share * pairs.shares[column], 1e-12))
        return np.where(levels == len(likely) - 1, of_value, of_level)


def learn(
    columns: Sequence[ComparedColumn],
    chance: Mapping[str, Floats],
    candidates: PairSample,
    *,
    sampled_of: int,
    records: int,
    all_pairs: float,
) -> Model:
    """Learn from a sample of the `sampled_of` candidates, over all pairs there could be."""
    model = _first_guess(columns, chance, records, all_pairs)
    by_chance = {column.name: model.log_likelihood(0, column.name, candidates) for column in columns}
    strangers = np.sum(list(by_chance.values()), axis=0)
    for _ in range(ROUNDS):
        responsible = _responsibilities(model, candidates, by_chance, strangers)
        moved = _maximise(model, candidates, responsible)
        pairs_of = np.maximum(responsible[:, SAME:].sum(axis=0) * sampled_of / len(candidates), 0.5)
        model.prior = np.append(1 - pairs_of.sum() / all_pairs, pairs_of / all_pairs)
        model.prior = np.maximum(model.prior, 1e-12)
        if moved < SETTLED:
            break
    return model


def _first_guess(
    columns: Sequence[ComparedColumn], chance: Mapping[str, Floats], records: int, all_pairs: float
) -> Model:
    same = {column.name: _guess_of_same(column) for column in columns}
    everything = [column.name for column in columns]
    groups = [[column.name for column in columns if column.role in roles] for roles in IN_COMMON]
    groups = [group for group in groups if group and len(group) < len(everything)]
    classes = [{name: chance[name].copy() for name in everything}, same]
    for group in groups:
        between = {name: (chance[name] + same[name]) / 2 for name in group}
        classes.append({name: between.get(name, chance[name]).copy() for name in everything})
    prior = np.array([0.0, min(0.5, records / 2 / max(1.0, all_pairs)), *[FIRST_GUESS_PRIOR] * len(groups)])
    prior[0] = 1 - prior.sum()
    return Model(columns, classes, [[], everything, *groups], prior)


IN_COMMON = (SHARED_BY_A_HOUSE, SHARED_BY_NAMESAKES)


def _guess_of_same(column: ComparedColumn) -> Floats:
    between = max(1, column.top - 1)
    guess = np.full(column.top + 1, (1 - FIRST_GUESS_EQUAL - FIRST_GUESS_APART) / between)
    guess[0], guess[-1] = FIRST_GUESS_APART, FIRST_GUESS_EQUAL
    scaled: Floats = guess / guess.sum()
    return scaled


def _responsibilities(model: Model, pairs: PairSample, by_chance: Mapping[str, Floats], strangers: Floats) -> Floats:
    """Return of each pair how likely it is of each class; only columns in which a class is free are looked at anew."""
    logs = np.empty((len(pairs), len(model.classes)))
    for nth, free in enumerate(model.free):
        logs[:, nth] = strangers + np.log(model.prior[nth])
        for column in free:
            logs[:, nth] += model.log_likelihood(nth, column, pairs) - by_chance[column]
    likely: Floats = np.exp(logs - logs.max(axis=1, keepdims=True))
    scaled: Floats = likely / likely.sum(axis=1, keepdims=True)
    return scaled


def _maximise(model: Model, pairs: PairSample, responsible: Floats) -> float:
    """Fit each class to the pairs that it answers for; return the largest move of the class *same*."""
    moved, names = 0.0, [column.name for column in model.columns if column.role is Role.NAME]
    for nth in range(SAME, len(model.classes)):
        for column in model.free[nth]:
            levels = pairs.levels[column]
            present, chance = levels != ABSENT, model.chance[column]
            counts = np.bincount(levels[present], weights=responsible[present, nth], minlength=len(chance))
            smoothed = counts + (SMOOTHING if nth == SAME else chance)
            fitted = smoothed / smoothed.sum()
            if nth == SAME:
                if column in names:
                    fitted = _with_few_apart(fitted)
                moved = max(moved, float(np.abs(fitted - model.classes[nth][column]).max()))
            model.classes[nth][column] = fitted
    return moved


def _with_few_apart(fitted: Floats) -> Floats:
    """Hold that few records of one person have wholly different names.

    Where colleagues outnumber copies, the class *same* would else come to mean those who share a company.
    """
    if fitted[0] <= MOST_APART:
        return fitted
    rest = fitted[1:] / fitted[1:].sum() * (1 - MOST_APART)
    return np.append(MOST_APART, rest)


def weight_of(model: Model) -> str:
    """Return the SQL of a pair's weight: the logarithm of the odds that it is the same."""
    different = " + ".join(f"exp({_class(model, nth)})" for nth in range(len(model.classes)) if nth != SAME)
    return f"({_class(model, SAME)} - ln({different}))"


def _class(model: Model, nth: int) -> str:
    terms = [_number(np.log(model.prior[nth]))]
    terms += [_term(model, nth, column) for column in model.columns]
    return f"({' + '.join(terms)})"


def _term(model: Model, nth: int, column: ComparedColumn) -> str:
    constant, by_share = model.equal(nth, column.name)
    equal = _number(np.log(max(constant, 1e-12)))
    if by_share:
        equal = f"ln(greatest({_number(constant)} + {_number(by_share)} * share_{column.name}, 1e-12))"
    likely = np.log(model.classes[nth][column.name])
    levels = " ".join(f"when {level} then {_number(likely[level])}" for level in range(column.top))
    return f"case level_{column.name} when {ABSENT} then 0e0 when {column.top} then {equal} {levels} end"


def _number(value: float) -> str:
    """Write a number as a double; without an exponent the engine would take it for a decimal."""
    return f"{value:.17e}"
