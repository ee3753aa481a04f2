"""Revenue as sections of reports: the movements by each definition of MRR, why they differ, and the forecast."""

from gtm_platform.intelligence.forecasts.revenue_forecast import TABLE as FORECAST
from gtm_platform.intelligence.movements.movement_bridge import TABLE as MOVEMENT_BRIDGE
from gtm_platform.intelligence.movements.mrr_bridge import TABLE as BRIDGE
from gtm_platform.intelligence.movements.mrr_periods import TABLE as PERIODS
from gtm_platform.lake.expressions.money import minor_units
from gtm_platform.policy import OURS
from gtm_platform.reports.content import Column, Table
from gtm_platform.reports.figures import Figures, Row
from gtm_platform.reports.wording import money, number, percent, signed
from gtm_platform.serving.wording import NOTHING, words

MOVED = ("new", "reactivation", "expansion", "contraction", "churn")
ADDS_UP = "Opening + rates + new + reactivation + expansion − contraction − churn = closing, for every customer."
MOVEMENT_CAUSES = """select to_policy, item, cause, count(*) as customers, sum(amount)::bigint as amount
    from days group by all order by to_policy, abs(sum(amount)) desc, item, cause"""
CAUSES = """select to_policy, cause, count(*) as customers, sum(amount)::bigint as amount
    from days group by all order by to_policy, abs(sum(amount)) desc, cause"""


def by_definition(figures: Figures) -> list[Table]:
    """Return the newest period of movements by each definition of MRR, and why they differ."""
    periods = figures.newest_rows_of(
        PERIODS.key,
        f"from days qualify period_start = max(period_start) over () order by mrr_policy <> '{OURS}', mrr_policy",
    )
    span = f"{periods[0]['period_start']:%-d %B} to {periods[0]['until']:%-d %B %Y}. " if periods else ""
    return [
        Table(
            "Movements by definition of MRR",
            [
                Column("Definition"), Column("Opening", "right"), Column("Rates", "right"),
                *(Column(name.capitalize(), "right") for name in MOVED), Column("Closing", "right"),
                Column("NRR", "right"), Column("GRR", "right"),
            ],
            [
                [
                    words(row["mrr_policy"]),
                    _amount(figures, row, "opening"),
                    signed(_amount(figures, row, "fx")),
                    *(_amount(figures, row, name) for name in MOVED),
                    _amount(figures, row, "closing"),
                    percent(row["nrr"]),
                    percent(row["grr"]),
                ]
                for row in periods
            ],
            note=f"{span}{ADDS_UP}" if periods else "",
            empty="No period of movements has begun.",
        ),
        _causes(figures),
        _movement_causes(figures),
    ]  # fmt: skip


def _causes(figures: Figures) -> Table:
    return Table(
        "Why other definitions differ from ours",
        [Column("Definition"), Column("Cause"), Column("Customers", "right"), Column("Adds to ours", "right")],
        [
            [words(row["to_policy"]), row["cause"], number(row["customers"]), signed(_amount(figures, row, "amount"))]
            for row in figures.newest_rows_of(BRIDGE.key, CAUSES)
        ],
        empty="By every definition, all customers have the same MRR.",
    )


def _movement_causes(figures: Figures) -> Table:
    return Table(
        "Why movements differ by other definitions",
        [
            Column("Definition"), Column("Movement"), Column("Cause"), Column("Customers", "right"),
            Column("Adds to the closing", "right"),
        ],
        [
            [
                words(row["to_policy"]),
                words(row["item"]),
                row["cause"],
                number(row["customers"]),
                signed(_amount(figures, row, "amount")),
            ]
            for row in figures.newest_rows_of(MOVEMENT_BRIDGE.key, MOVEMENT_CAUSES)
        ],
        empty="By every definition, all customers moved alike.",
    )  # fmt: skip


def forecast(figures: Figures) -> Table:
    """Return MRR of the months to come, beside the naive forecast, and why it is to be believed."""
    rows = figures.newest_rows_of(FORECAST.key, "from days order by months_ahead")
    return Table(
        "Forecast of MRR",
        [
            Column("At the end of"), Column("Forecast", "right"), Column("At least", "right"),
            Column("At most", "right"), Column("Naive", "right"), Column("Mean error so far", "right"),
            Column("Of naive", "right"),
        ],
        [
            [
                f"{row['month']:%B %Y}",
                *(_amount(figures, row, name) for name in ("value", "low", "high", "naive")),
                percent(row["error"]),
                percent(row["naive_error"]),
            ]
            for row in rows
        ],
        note=rows[0]["verdict"] if rows else "",
        empty="Forecast once three months are over.",
    )  # fmt: skip


def _amount(figures: Figures, row: Row, name: str) -> str:
    value = row[name]
    return NOTHING if value is None else money(value / minor_units(figures.currency), figures.currency)
