"""How much of what is wanted is true in HubSpot: a row a day for each property, in the lake and for SQL."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import get_args

import pyarrow as pa

from gtm_platform.delivery.hubspot.history import Kind
from gtm_platform.lake.contracts import Column, Contract, declare
from gtm_platform.state.hubspot_sweeps import TruthSweep

TABLE = "delivery/hubspot_truth"
LATE = "late"

# What becomes of a wanted value when it is compared with HubSpot; `true` and `healed` are true afterwards.
OUTCOMES = {
    "true": "Values that HubSpot had.",
    "healed": "Values that something had changed, and that were set back.",
    "withheld": "Values that HubSpot has otherwise and that are left alone, as a person set them.",
    "broken": "Values that something changed, and that could not be set back.",
    LATE: "Values that no delivery has brought there yet.",
    "gone": "Values of objects that were deleted or merged in HubSpot.",
}
BY: tuple[Kind, ...] = get_args(Kind)  # who changed what we wrote


def _count(about: str) -> Column:
    return Column("int64", about, nullable=False, rule=lambda value: value >= 0)


CONTRACT = declare(
    TABLE,
    Contract(
        columns={
            "day": Column("date", "The day whose values are wanted.", nullable=False),
            "object_type": Column("string", "Type of the objects in HubSpot: contacts, companies.", nullable=False),
            "property": Column("string", "Name of the property in HubSpot.", nullable=False),
            "wanted": _count("Values that HubSpot is to have, of the objects that were compared."),
            **{f"{name}_values": _count(about) for name, about in OUTCOMES.items()},
            **{f"by_{kind}": _count(f"Values of ours that were changed in HubSpot by this: {kind}.") for kind in BY},
            "finished": Column("boolean", "Whether all objects of the type were compared.", nullable=False),
        },
        key=("object_type", "property"),
        about="How many of the values that were delivered HubSpot still has, and who changed the rest, day by day.",
        figures={"true share": lambda t: (t["true_values"] + t["healed_values"]).sum() / t["wanted"].sum()},
    ),
)


def rows_of(sweeps: Sequence[TruthSweep]) -> pa.Table:
    """Return the rows of a day's sweeps."""
    rows = [_row(sweep, name, counts) for sweep in sweeps for name, counts in sorted(sweep.counts.items())]
    return pa.Table.from_pylist(rows, CONTRACT.schema.to_pyarrow())


def _row(sweep: TruthSweep, name: str, counts: Mapping[str, int]) -> dict[str, object]:
    return {
        "day": date.fromisoformat(sweep.day),
        "object_type": sweep.object_type,
        "property": name,
        "wanted": sum(counts.get(outcome, 0) for outcome in OUTCOMES),
        **{f"{outcome}_values": counts.get(outcome, 0) for outcome in OUTCOMES},
        **{f"by_{kind}": counts.get(f"by_{kind}", 0) for kind in BY},
        "finished": sweep.finished_at is not None,
    }


def true_share(sweeps: Sequence[TruthSweep]) -> float | None:
    """Return the share of wanted values that are true in HubSpot; None where none were compared."""
    totals = totals_of(sweeps)
    wanted = sum(totals[outcome] for outcome in OUTCOMES)
    return (totals["true"] + totals["healed"]) / wanted if wanted else None


def totals_of(sweeps: Sequence[TruthSweep]) -> dict[str, int]:
    """Add up what became of the values of all properties, and who changed them."""
    names = [*OUTCOMES, *(f"by_{kind}" for kind in BY)]
    counted = [counts for sweep in sweeps for counts in sweep.counts.values()]
    return {name: sum(counts.get(name, 0) for counts in counted) for name in names}
