"""A lake with months of leads whose chances are known: each month some come, and are won within 90 days, or never."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gtm_platform.intelligence.leads.features import FEATURES
from gtm_platform.intelligence.leads.features import TABLE as TABLE_OF_FEATURES
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.lake import Lake

FIRST, STEP = date(2025, 1, 1), timedelta(days=30)
INDUSTRIES, USE_CASES = ("software", "health", "retail", "finance"), ("rag", "agent", None)


@dataclass
class LeadsPast:
    """Days of a lake, 30 days apart, each with leads of its own; who was won stands on the days after it, too."""

    lake: Lake
    leads: int = 150
    steps: int = 10
    strength: float = 1.0
    leak: bool = False
    seed: int = 0
    first: date = FIRST
    chances: dict[str, float] = field(default_factory=dict)

    @property
    def days(self) -> list[date]:
        """The days that there are."""
        return [self.first + step * STEP for step in range(self.steps)]

    def write(self) -> "LeadsPast":
        """Write each day."""
        draw = np.random.default_rng(self.seed)
        won: dict[date, list[str]] = {day: [] for day in self.days}
        for day in self.days:
            frame, chance = self._came(draw, day)
            happened = draw.random(self.leads) < chance
            if self.leak:
                frame["pages_visited_30d"] = np.where(happened, draw.integers(1, 9, self.leads), np.nan)
            after = draw.integers(1, 91, self.leads)
            for name, did, days in zip(frame["lead_id"], happened, after, strict=True):
                if did:
                    for later in self.days:
                        if later >= day + timedelta(days=int(days)):
                            won[later].append(name)
            self.chances |= dict(zip(frame["lead_id"], chance, strict=True))
            self.write_day(day, frame, won[day])
        return self

    def write_day(self, day: date, frame: pd.DataFrame, won: list[str]) -> None:
        """Write the features of a day, and who is who, which is everybody themselves."""
        columns = contract_of(TABLE_OF_FEATURES.key).columns
        before = pd.DataFrame({"lead_id": won, "in_scope": False, "is_won": True})
        rows = pd.concat([frame, before]).reindex(columns=list(columns)).assign(day=day, kind="company")
        for name in FEATURES:
            rows[name] = rows[name].astype("float64" if columns[name].type == "float64" else "string")
        self.lake.write(TABLE_OF_FEATURES.key, str(day), rows)
        for table in ("identity/people", "identity/companies"):
            self.lake.write(table, str(day), contract_of(table).schema.to_pyarrow().empty_table())

    def _came(self, draw: np.random.Generator, day: date) -> tuple[pd.DataFrame, NDArray[np.float64]]:
        """Return the leads that came on a day, and how likely each is to be won."""
        size = self.leads
        industry, use_case = draw.choice(INDUSTRIES, size), draw.choice(np.array(USE_CASES, dtype=object), size)
        signals, logins = draw.gamma(1.0, 6.0, size), draw.poisson(3, size).astype(float)
        employees = np.exp(draw.normal(4, 1.5, size)).round()
        odds = (
            0.12 * (signals - 6) + 0.35 * (logins - 3) + 1.2 * (industry == "software") - 0.8 * (industry == "retail")
        )
        odds = self.strength * (odds + 0.7 * (use_case == "rag")) - 0.8
        values: dict[str, Any] = {
            "lead_id": [f"{day}-{place:04}" for place in range(size)],
            "in_scope": True,
            "is_won": False,
            "industry": industry,
            "use_case": use_case,
            "country": draw.choice(["us", "de", "in"], size),
            "signal_points": signals,
            "logins_a_day_30d": logins,
            "employees": np.where(draw.random(size) < 0.2, np.nan, employees),
            "people": draw.integers(1, 9, size),
            "days_since_seen": draw.integers(0, 60, size),
        }
        return pd.DataFrame(values), 1 / (1 + np.exp(-odds))


def leads_past(folder: Path, **values: Any) -> LeadsPast:
    """Write a past of leads into a folder."""
    return LeadsPast(Lake(folder / "lake"), **values).write()
