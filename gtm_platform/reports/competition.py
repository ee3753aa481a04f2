"""Competitors and activity as sections of reports; without their tables in the lake they are empty."""

from gtm_platform.intelligence.activity.activity_rates import ALL, TOO_FEW
from gtm_platform.intelligence.activity.activity_rates import TABLE as ACTIVITY
from gtm_platform.intelligence.competition.competitor_pains import TABLE as PAINS
from gtm_platform.intelligence.competition.competitor_rates import NONE
from gtm_platform.intelligence.competition.competitor_rates import TABLE as RATES
from gtm_platform.reports.content import Column, Table
from gtm_platform.reports.figures import Figures, Row
from gtm_platform.reports.wording import number
from gtm_platform.serving.snapshot.facts.activity import CAVEAT
from gtm_platform.serving.wording import NOTHING, share_with_interval, words

LISTED = 12
OUTCOMES = {"deal_won": "Deal won", "stage_moved": "Deal moved on", "renewed": "Customer stayed"}
PAIN = """select competitor, side, pain, count(distinct company_id) as companies, count(*) as pieces
    from days group by all order by pieces desc, competitor, side, pain"""
SIDES = {"theirs": "Their users say so", "for_us": "Why we won", "against_us": "Why we lost"}
SEEN_BEFORE = (
    "A deal counts where its company was seen to use the competitor before the deal was closed. In brackets: where the "
    "true rate lies, by Wilson. It is association, and no effect."
)


def competitors(figures: Figures) -> list[Table]:
    """Return wins, displacements and departures by competitor, and what hurts."""
    rows = figures.newest_rows_of(
        RATES.key, f"from days order by competitor = '{NONE}', won + lost + prospects desc, competitor"
    )
    seen = [row for row in rows if row["competitor"] != NONE]
    if not seen:
        return []
    return [_rates(rows), _pains(figures)]


def _rates(rows: list[Row]) -> Table:
    return Table(
        "Competitors",
        [
            Column("Competitor"), Column("Won", "right"), Column("of deals", "right"), Column("Came to us", "right"),
            Column("of companies", "right"), Column("Left us", "right"), Column("of customers", "right"),
        ],
        [
            [
                "No competitor known" if row["competitor"] == NONE else words(row["competitor"]),
                _share(row, "win_rate"),
                number(row["won"] + row["lost"]),
                _share(row, "displacement_rate"),
                number(row["prospects"]),
                _share(row, "departure_rate"),
                number(row["exposed"]),
            ]
            for row in rows[:LISTED]
        ],
        note=SEEN_BEFORE,
    )  # fmt: skip


def _share(row: Row, name: str) -> str:
    return share_with_interval(*(row[f"{name}{end}"] for end in ("", "_low", "_high")))


def _pains(figures: Figures) -> Table:
    rows = figures.newest_rows_of(PAINS.key, PAIN)
    return Table(
        "What hurts",
        [
            Column("Pain point"), Column("Competitor"), Column("Says"), Column("Companies", "right"),
            Column("Evidence", "right"),
        ],
        [
            [
                words(row["pain"]),
                words(row["competitor"]),
                SIDES[row["side"]],
                number(row["companies"]),
                number(row["pieces"]),
            ]
            for row in rows[:LISTED]
        ],
        note=f"and {number(len(rows) - LISTED)} more." if len(rows) > LISTED else "",
        empty="No pain point was read.",
    )  # fmt: skip


def activity(figures: Figures) -> list[Table]:
    """Return how often outcomes were good with and without an activity, where there are enough of both."""
    rows = figures.newest_rows_of(
        ACTIVITY.key,
        f"""from days where split = '{ALL}' and verdict <> '{TOO_FEW}' order by outcome, activity""",
    )
    table = Table(
        "Activity beside outcomes",
        [
            Column("Outcome"), Column("Activity before it"), Column("With it", "right"), Column("of", "right"),
            Column("Without it", "right"), Column("of", "right"), Column("Good outcomes come"),
        ],
        [
            [
                OUTCOMES[row["outcome"]],
                words(row["activity"]),
                _share(row, "rate_with"),
                number(row["outcomes_with"]),
                _share(row, "rate_without"),
                number(row["outcomes_without"]),
                row["verdict"] or NOTHING,
            ]
            for row in rows
        ],
        note=CAVEAT if rows else "",
        empty="Shown once there are enough outcomes with and without an activity.",
    )  # fmt: skip
    return [table]
