"""How far figures and warnings can be trusted, as sections: back-test, alerts, data, HubSpot, webhooks, canaries."""

from typing import Any

from gtm_platform.delivery.canaries.stages import FAILED, SEEN_LATE, STAGES, WRITTEN
from gtm_platform.delivery.canaries.table import TABLE as CANARY_STAGES
from gtm_platform.delivery.hubspot.truth_table import TABLE as TRUTH
from gtm_platform.delivery.track_record import BACKTEST, PRECISION
from gtm_platform.health.backtest import EARLY, LATE
from gtm_platform.health.backtest_history import HORIZON
from gtm_platform.quality.hook_days import TABLE as HOOK_DAYS
from gtm_platform.quality.odd_figures import ANOMALIES
from gtm_platform.reports.content import Column, Table
from gtm_platform.reports.figures import Figures, Row
from gtm_platform.reports.wording import number, percent, signed
from gtm_platform.serving.wording import NOTHING, counted, share_with_interval, words

LISTED = 10
# What is shown of a back-test, by measure: a share with its interval.
SHARES = {
    "base_rate": f"Any customer who churned within {HORIZON} days (base rate)",
    "precision_at_risk": "Of these, at risk (precision)",
    "precision_alerts": "Of these, with an alert",
    f"flagged_{EARLY}_days_ahead": f"Churns flagged at least {EARLY} days ahead",
    f"flagged_{LATE}_days_ahead": f"Churns flagged at least {LATE} days ahead",
    "green_at_churn": "Churns of customers that were healthy to the end",
}
COUNTS = {"median_days_ahead": "Days ahead, in the median", "count_missed": "Missed churns"}
ALERTS = """select kind, sum(sent)::bigint as sent, sum(useful)::bigint as useful, sum(not_useful)::bigint as not_useful
    from days group by kind order by sent desc, kind"""
ODD = """select subject, metric, max(day) as day, count(*) as days, arg_max(kind, day) as kind,
        arg_max(value, day) as value, arg_max(expected, day) as expected
    from days group by subject, metric order by day desc, subject, metric"""


IN_HUBSPOT = """select object_type, sum(wanted) filter (day = newest)::bigint as wanted,
        sum(true_values + healed_values) filter (day = newest) / sum(wanted) filter (day = newest) as true_share,
        sum(healed_values)::bigint as healed, sum(withheld_values) filter (day = newest)::bigint as withheld
    from (select *, max(day) over () as newest from days) group by object_type
    having wanted > 0 order by object_type"""

HOOKS = """select hook, sum(received)::bigint as received, sum(refused)::bigint as refused,
        sum(seconds_to_window * read_events) / nullif(sum(read_events), 0) as seconds,
        max(slowest_seconds) as slowest, sum(changed)::bigint as changed, sum(lost)::bigint as lost
    from days group by hook order by received desc, hook"""


# Of what canaries did in the period, by stage, in the order of the stages.
CANARIES = f"""select seen.stage, count(*) as acts, count(seen.seen_at) as seen_acts,
        median(date_diff('second', done.seen_at, seen.seen_at)) / 3600 as hours,
        max(date_diff('second', done.seen_at, seen.seen_at)) / 3600 as slowest,
        count(*) filter (seen.state = '{FAILED}') as failed, count(*) filter (seen.state = '{SEEN_LATE}') as late
    from days as seen left join (from days where stage = '{WRITTEN}') as done using (canary, act)
    where seen.stage <> '{WRITTEN}' group by seen.stage"""


def does_it_work(figures: Figures) -> list[Table]:
    """Return what the newest back-test says of health, and what readers think of the period's alerts."""
    return [_backtest(figures), _alerts(figures)]


def _backtest(figures: Figures) -> Table:
    tested = {row["measure"]: row for row in figures.newest_rows_of(BACKTEST, _of_newest_rules())}
    rows = [
        *([title, share_with_interval(*_figure(tested[name]))] for name, title in SHARES.items() if name in tested),
        *([title, number(tested[name]["value"])] for name, title in COUNTS.items() if name in tested),
    ]
    month = f" by the test of {next(iter(tested.values()))['month']:%B %Y}" if tested else ""
    return Table(
        f"Does it work{month}",
        [Column("Measure"), Column("Figure", "right", width="30%")],
        rows,
        note="In brackets: where 95 % of resampled sets of customers lie." if rows else "",
        empty=f"Health is tested once there are more than {HORIZON} days of it.",
    )


def _of_newest_rules() -> str:
    return "select month, measure, value, low, high from days qualify tested_until = max(tested_until) over ()"


def _figure(row: Row) -> tuple[Any, Any, Any]:
    return row["value"], row["low"], row["high"]


def _alerts(figures: Figures) -> Table:
    return Table(
        "What readers think of alerts",
        [Column("Kind"), Column("Sent", "right"), Column("Useful", "right"), Column("Not useful", "right"),
         Column("Precision", "right")],
        [
            [
                words(row["kind"]),
                number(row["sent"]),
                number(row["useful"]),
                number(row["not_useful"]),
                percent(row["useful"] / judged, 0) if (judged := row["useful"] + row["not_useful"]) else NOTHING,
            ]
            for row in figures.rows_of(PRECISION, ALERTS)
        ],
        empty="No alert was sent.",
    )  # fmt: skip


def data_quality(figures: Figures) -> Table:
    """Return how good the data of customers are, and which figures of tables were odd in the period."""
    rows = figures.rows_of(ANOMALIES, ODD)
    quality, change = figures.value("mean_data_quality"), figures.change("mean_data_quality")
    moved = f", {signed(number(change, 1))} since then" if change else ""
    score = f"Mean data quality of customers: {number(quality, 1)} of 100{moved}."
    more = f" And {counted(len(rows) - LISTED, 'figure')} more." if len(rows) > LISTED else ""
    return Table(
        "Data quality: figures that were odd",
        [
            Column("Table"), Column("Figure"), Column("Last on"), Column("Days", "right"), Column("Was", "right"),
            Column("Expected", "right"),
        ],
        [
            [
                row["subject"],
                row["metric"],
                f"{row['day']:%-d %b}",
                number(row["days"]),
                _odd(row["value"]),
                _odd(row["expected"]),
            ]
            for row in rows[:LISTED]
        ],
        note=f"{score}{more}",
        empty=f"Every daily figure was like those of the weeks before. {score}",
    )  # fmt: skip


def _odd(value: float | None) -> str:
    return "missing" if value is None else number(value, 0 if abs(value) >= 100 else 1)


def hubspot_truth(figures: Figures) -> Table:
    """Return how much of what is wanted HubSpot has, and what was set back in it."""
    rows = figures.rows_of(TRUTH, IN_HUBSPOT)
    return Table(
        "What is true in HubSpot",
        [Column("Objects"), Column("Values", "right"), Column("True", "right"), Column("Set back", "right"),
         Column("Left to people", "right")],
        [
            [
                words(row["object_type"]),
                number(row["wanted"]),
                percent(row["true_share"], 1),
                number(row["healed"]),
                number(row["withheld"]),
            ]
            for row in rows
        ],
        note="Set back over the period, after a workflow or an import; the rest on its last day." if rows else "",
        empty="Nothing was compared with HubSpot in this period.",
    )  # fmt: skip


def webhooks(figures: Figures) -> Table:
    """Return how many webhooks came, how soon they led to a window, and what only schedules found."""
    rows = figures.rows_of(HOOK_DAYS.key, HOOKS)
    return Table(
        "Webhooks that came",
        [
            Column("Webhook"), Column("Received", "right"), Column("Refused", "right"),
            Column("Seconds to window", "right"), Column("Slowest", "right"), Column("Found by schedule", "right"),
        ],
        [
            [
                words(row["hook"]),
                number(row["received"]),
                number(row["refused"]),
                number(row["seconds"], 0),
                number(row["slowest"], 0),
                f"{number(row['lost'])} of {number(row['changed'])}",
            ]
            for row in rows
        ],
        note="Found by schedule: changed records that no webhook named. Nothing is lost: the schedule reads the same."
        if rows
        else "",
        empty="No webhook came in this period: sources are read by their schedules.",
    )  # fmt: skip


def canaries(figures: Figures) -> Table:
    """Return how soon each stage saw what canaries did, and what none saw in time."""
    rows = {row["stage"]: row for row in figures.rows_of(CANARY_STAGES, CANARIES)}
    return Table(
        "How soon what customers do is seen",
        [
            Column("Stage"), Column("Seen", "right"), Column("Hours, half", "right"), Column("Slowest", "right"),
            Column("Late", "right"), Column("Not seen in time", "right"),
        ],
        [
            [
                words(stage),
                f"{number(row['seen_acts'])} of {number(row['acts'])}",
                number(row["hours"], 1),
                number(row["slowest"], 1),
                number(row["late"]),
                number(row["failed"]),
            ]
            for stage in STAGES
            if (row := rows.get(stage))
        ],
        note="By canaries, synthetic customers who are in no total: from what one did to when a stage knew of it."
        if rows
        else "",
        empty="There were no canaries in this period.",
    )  # fmt: skip
