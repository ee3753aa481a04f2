"""Companies whose chances to be won are known by what they are, as `intelligence/icp_companies` has them."""

from decimal import Decimal
from typing import Any

import numpy as np

from gtm_platform_tests.tables import DAY

INDUSTRIES, SIZES = ("software", "health", "retail"), ("1–10", "11–50", "51–200")
WON = {"software": 0.65, "health": 0.4, "retail": 0.15}


def companies(count: int, seed: int = 0, *, informative: bool = True) -> list[dict[str, Any]]:
    """Return companies, a third of them open; what they pay is skewed, and who is small leaves more often."""
    draw = np.random.default_rng(seed)
    rows = []
    for place in range(count):
        industry, size = str(draw.choice(INDUSTRIES)), str(draw.choice(SIZES))
        won = bool(draw.random() < (WON[industry] if informative else 0.4))
        outcome = "open" if draw.random() < 0.33 else "won" if won else "lost"
        paid = outcome == "won"
        seasoned = bool(paid and draw.random() < 0.7)
        amount = float(np.exp(draw.normal(6, 1)))
        leaves = bool(draw.random() < (0.5 if size == "1–10" else 0.2))
        rows.append(
            {
                "company_id": f"com_{place:04}",
                "as_of": DAY,
                "industry": industry,
                "size": size if draw.random() < 0.9 else None,
                "country": str(draw.choice(["us", "de"])),
                "technologies": ["python"] if draw.random() < 0.3 else [],
                "outcome": outcome,
                "ltv": Decimal(f"{amount:.2f}") if paid else None,
                "is_seasoned": seasoned,
                "left_in_time": seasoned and leaves,
            }
        )
    return rows
