"""The tables that say whether health and alerts work: what they hold, apart from how it is measured.

Whoever shows them reads them here, without what sends alerts or tests health.
"""

from gtm_platform.lake.contracts import Column, Contract, declare

BACKTEST, MISSED_CHURNS, PRECISION = "health/backtest", "health/missed_churns", "alerts/precision"

declare(
    BACKTEST,
    Contract(
        {
            "month": Column("date", "The first day of the last month that is tested.", nullable=False),
            "policy_hash": Column("string", "The business rules whose scores were tested.", nullable=False),
            "tested_until": Column("date", "The last day whose scores by these rules were tested.", nullable=False),
            "measure": Column("string", "What was measured; counts begin with count_.", nullable=False),
            "value": Column("float64", "The figure; null without data."),
            "low": Column("float64", "Lower end of its interval (95 %, by resampling customers)."),
            "high": Column("float64", "Upper end of its interval."),
            "verdict": Column("string", "too few, no signal, or signal.", nullable=False),
        },
        key=("policy_hash", "measure"),
        about="Whether health saw churn coming, by the rules that made the scores: precision, days ahead, ranking, "
        "calibration.",
    ),
)
declare(
    MISSED_CHURNS,
    Contract(
        {
            "month": Column("date", "The first day of the last month that is tested.", nullable=False),
            "customer_id": Column("string", "Who churned.", nullable=False),
            "churned_on": Column("date", "The first day without MRR.", nullable=False),
            "policy_hash": Column("string", "The business rules of the last score before; null without one."),
            "score_before": Column("int64", "The last health score before."),
            "days_ahead": Column("int64", "How many days ahead they were first flagged; null for never."),
            "first_knowable": Column("date", "The first day on which one of the rules that are tried sees it."),
            "rule": Column("string", "The cheapest rule that would have caught it; null for none."),
            "rule_days_ahead": Column("int64", "How many days ahead that rule would have caught it."),
            "more_alarms": Column("int64", "How many customers a month who stayed that rule would have flagged."),
        },
        key=("customer_id", "churned_on"),
        about="The churns that health missed: healthy to the end, or flagged too late; what would have caught each.",
        made_with=BACKTEST,
    ),
)
declare(
    PRECISION,
    Contract(
        {
            "day": Column("string", "The day that the alerts are about.", nullable=False),
            "kind": Column("string", "The kind of alert.", nullable=False),
            "sent": Column("int64", "How many were sent, by themselves or in a digest.", nullable=False),
            "useful": Column("int64", "How many of them more readers found useful than not.", nullable=False),
            "not_useful": Column(
                "int64", "How many of them as many readers, or more, found not useful.", nullable=False
            ),
            "precision": Column("float64", "Useful ones of those that were judged, 0 to 1; null where none was."),
        },
        key=("day", "kind"),
        about="How many alerts about customers were sent on a day, and what their readers thought of them.",
    ),
)
