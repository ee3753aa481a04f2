"""What has to hold of activity: members come to the whole, and differences are drawn where they can be looked at."""

from typing import Any

import dagster as dg
import ibis

from gtm_platform.intelligence.activity.activity_rates import ALL, LESS, MORE, TOO_FEW
from gtm_platform.intelligence.activity.activity_rates import TABLE as RATES
from gtm_platform.intelligence.forecasts.checks import newest
from gtm_platform.intelligence.intervals import Interval, markdown_intervals
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.day_check import DayCheck

SHOWN = ("outcome", "activity", "outcomes_with", "rate_with", "outcomes_without", "rate_without", "verdict")
COUNTED = ("outcomes_with", "good_with", "outcomes_without", "good_without")


def members_are_not_the_whole(rows: ibis.Table) -> ibis.Table:
    """Return the outcomes, activities and groupings whose members do not come to what all come to."""
    whole = rows.filter(rows["split"] == ALL).select("outcome", "activity", **{f"all_{n}": rows[n] for n in COUNTED})
    parts = rows.group_by("outcome", "activity", "split").agg(**{name: rows[name].sum() for name in COUNTED})
    both = parts.left_join(whole, ["outcome", "activity"], rname="{name}_of_all")
    differs = ibis.or_(*((both[name] != both[f"all_{name}"]).fill_null(True) for name in COUNTED))
    return both.filter(differs).select("outcome", "activity", "split", *COUNTED)


CHECKS = (
    DayCheck(
        RATES.key,
        "members_are_the_whole",
        "Account managers, and stages, come to the same outcomes as all.",
        inputs={"rows": RATES.key},
        rule=members_are_not_the_whole,
    ),
)


@dg.asset_check(
    asset=RATES.key.split("/"),
    name="beside_outcomes",
    description="Outcomes with and without each activity, drawn with their intervals. It always passes: association is "
    "no fault of the data, and no effect.",
)
def beside_outcomes(lake: LakeResource) -> dg.AssetCheckResult:
    """Draw the newest day's rates with and without each activity."""
    rows = newest(lake.open(), RATES.key, f"where split = '{ALL}' order by outcome, activity")
    clear = sum(row["verdict"] in (MORE, LESS) for row in rows)
    judged = sum(row["verdict"] != TOO_FEW for row in rows)
    metadata: dict[str, Any] = {"figure/clear_differences": clear, "figure/judged": judged}
    drawn = [
        Interval(*(row[f"rate_{side}{end}"] for end in ("", "_low", "_high")))
        for row in rows
        for side in ("with", "without")
        if row[f"rate_{side}"] is not None
    ]
    if drawn:
        about = "Share of good outcomes with and without each activity, in the order of the table"
        metadata["plot"] = dg.MetadataValue.md(markdown_intervals(drawn, about))
        records = [dg.TableRecord({name: _cell(row[name]) for name in SHOWN}) for row in rows]
        metadata["rates"] = dg.MetadataValue.table(records)
    sentence = f"{clear} of {judged} comparisons with enough outcomes differ clearly; association, and no effect."
    return dg.AssetCheckResult(passed=True, metadata=metadata, description=sentence)


def _cell(value: Any) -> str | float:
    return "" if value is None else round(value, 4) if isinstance(value, float) else value
