"""How much more likely deals of a stage are won than others of their age and group.

Where a deal stood on an earlier day is in the lake since its first day. The multipliers of stages are used only where
they would have foreseen the wins of later days better than age and group alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gtm_platform.intelligence.forecasts.backtest import Floats
from gtm_platform.intelligence.forecasts.pipeline import RATE_PRIOR, Deals, Flags, chances

LEAST_WINS = 30  # of deals whose stage was seen before


@dataclass(frozen=True)
class Sighting:
    """The stages of open deals on an earlier day, with the places of the deals."""

    day: int
    places: Sequence[int]
    stages: Sequence[str]


def stage_multipliers(deals: Deals, sightings: Sequence[Sighting], day: int, days: int) -> Mapping[str, float]:
    """Return the factor of each stage; none where too little was seen, or they would not have helped.

    Only what was won until `day` counts: sightings whose days are not over by then are left out.
    """
    over = sorted((each for each in sightings if each.day + days <= day), key=lambda each: each.day)
    seen = [(each.stages, *_outcomes(deals, each, days)) for each in over]
    if sum(int(won.sum()) for _, _, won in seen) < LEAST_WINS:
        return {}
    half = len(seen) // 2
    earlier, later = seen[:half], seen[half:]
    if not earlier or _error(later, _multipliers(earlier)) >= _error(later, {}):
        return {}
    return _multipliers(seen)


Seen = tuple[Sequence[str], Floats, Flags]  # of the deals of a sighting: the stage, the chance by age, whether won


def _outcomes(deals: Deals, sighting: Sighting, days: int) -> tuple[Floats, Flags]:
    places = np.array(sighting.places, dtype=int)
    came = np.flatnonzero(deals.created <= sighting.day)
    by_place = np.zeros(len(deals.created))
    by_place[came] = chances(deals.as_of(sighting.day), sighting.day, days)
    closed = deals.closed[places]
    won = deals.won[places] & (closed > sighting.day) & (closed <= sighting.day + days)
    return by_place[places], won


def _multipliers(seen: Sequence[Seen]) -> dict[str, float]:
    """Return wins over the wins expected, of each stage, drawn to 1 by so many deals of the usual chance."""
    wins: dict[str, float] = {}
    expected: dict[str, float] = {}
    total, count = 0.0, 0
    for stages, chance, won in seen:
        total, count = total + float(chance.sum()), count + len(chance)
        for stage, of_deal, is_won in zip(stages, chance, won, strict=True):
            wins[stage] = wins.get(stage, 0.0) + float(is_won)
            expected[stage] = expected.get(stage, 0.0) + float(of_deal)
    drawn = RATE_PRIOR * total / max(count, 1)
    return {stage: (wins[stage] + drawn) / max(expected[stage] + drawn, 1e-12) for stage in wins}


def _error(seen: Sequence[Seen], multipliers: Mapping[str, float]) -> float:
    """Return the mean squared error of the chances by these multipliers."""
    errors = [
        (np.minimum(chance * np.array([multipliers.get(stage, 1.0) for stage in stages]), 1.0) - won) ** 2
        for stages, chance, won in seen
    ]
    return float(np.concatenate(errors).mean()) if errors else 0.0
