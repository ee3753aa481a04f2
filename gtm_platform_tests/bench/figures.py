"""What a figure is: a name, the sentence of its target, and a function that measures; and the rows it yields."""

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass

SIGNS = {"≥": operator.ge, "≤": operator.le}


@dataclass(frozen=True)
class Target:
    """For the ratio of ours to the other where there is another, else for ours itself."""

    sign: str
    value: float

    def reached(self, value: float) -> bool:
        return bool(SIGNS[self.sign](value, self.value))

    def __str__(self) -> str:
        return f"{self.sign} {self.value:g}"


@dataclass(frozen=True)
class Row:
    what: str
    unit: str
    ours: float
    target: Target | None = None
    baseline: str = ""  # what the other is: a peer, a floor or a bound
    other: float | None = None
    ratio: float | None = None  # where it is not simply ours / other, such as the median of the rounds' ratios

    @property
    def compared(self) -> float | None:
        if self.ratio is not None:
            return self.ratio
        return self.ours / self.other if self.other else None

    @property
    def reached(self) -> bool | None:
        judged = self.ours if self.compared is None else self.compared
        return self.target.reached(judged) if self.target else None


@dataclass(frozen=True)
class Effort:
    """How much is measured: a quick look has small data and one round."""

    quick: bool = False

    @property
    def rounds(self) -> int:
        return 1 if self.quick else 3

    def of(self, whole: int, quick: int) -> int:
        return quick if self.quick else whole


@dataclass(frozen=True)
class Figure:
    name: str
    target: str
    measure: Callable[[Effort], Iterable[Row]]
