"""What canaries did and when each stage saw it, as a table of the lake: a row for each canary, act and stage."""

from collections.abc import Sequence
from datetime import date
from typing import get_args

import pyarrow as pa

from gtm_platform.delivery.canaries.stages import FAILED, STAGES, CanaryStage, StageState
from gtm_platform.lake.contracts import Column, Contract, declare

TABLE = "quality/canaries"
MOMENT = "timestamp('UTC', 6)"

CONTRACT = declare(
    TABLE,
    Contract(
        columns={
            "day": Column("date", "The day on which it was done, or was to be.", nullable=False),
            "canary": Column("string", "The canary's name.", nullable=False),
            "act": Column("string", "What it did: sign_up, complain, pay_late, churn, removed.", nullable=False),
            "stage": Column("string", "The stage that had to see it.", nullable=False, rule=lambda v: v.isin(STAGES)),
            "expected_by": Column(MOMENT, "By when it had to.", nullable=False),
            "seen_at": Column(MOMENT, "When it was seen to have; null before."),
            "state": Column(
                "string",
                "seen, seen_late, waiting, failed (the first stage that did not see it in time), or blocked (one "
                "before it has not).",
                nullable=False,
                rule=lambda v: v.isin(get_args(StageState)),
            ),
        },
        key=("canary", "act", "stage"),
        about="Synthetic customers that show that everything works: what each did, and when each stage saw it.",
        figures={"failed": lambda t: (t["state"] == FAILED).sum(), "seen": lambda t: t["seen_at"].notnull().sum()},
    ),
)


def rows_by_day(stages: Sequence[CanaryStage]) -> dict[str, pa.Table]:
    """Return the rows of each day."""
    by_day: dict[str, list[dict[str, object]]] = {}
    for each in stages:
        row: dict[str, object] = {"day": date.fromisoformat(each.day)}
        row |= {name: getattr(each, name) for name in CONTRACT.columns if name != "day"}
        by_day.setdefault(each.day, []).append(row)
    return {day: pa.Table.from_pylist(rows, CONTRACT.schema.to_pyarrow()) for day, rows in by_day.items()}
