"""What `gtm health backtest` prints: whether health saw it coming, by the rules of history or by others."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import click

from gtm_platform.cli.printing import Rows, print_rows
from gtm_platform.cli.replay import SHOWN, read_policy
from gtm_platform.delivery.health_backtest import alarms_of
from gtm_platform.health.backtest import EARLY, LATE, MIN_CHURNS, Backtest, RulesTested, backtest
from gtm_platform.health.backtest_autopsy import Autopsy
from gtm_platform.health.backtest_history import HORIZON
from gtm_platform.health.backtest_measures import Measure
from gtm_platform.health.customer_health import COMPONENTS, OVERRIDES
from gtm_platform.health.customer_health import TABLE as HEALTH
from gtm_platform.health.refinement_trials import trials
from gtm_platform.health.replay import replayed
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Policy, policy
from gtm_platform.unified import customers

LINES = (
    (f"flagged at least {EARLY} days ahead", f"flagged_{EARLY}_days_ahead"),
    (f"flagged at least {LATE} days ahead", f"flagged_{LATE}_days_ahead"),
    ("green at churn", "green_at_churn"),
    (f"base rate of churn in {HORIZON} days", "base_rate"),
    ("precision of at-risk", "precision_at_risk"),
    ("  as a multiple of the base rate", "precision_over_base_rate"),
    ("precision of alerts", "precision_alerts"),
    ("false alarms per 100 customers", "false_alarms_per_100"),
    ("lift of the lowest tenth", "lift_of_lowest_tenth"),
    ("AUC of the score", "auc_score"),
    ("AUC of churn risk", "auc_risk"),
    ("Brier score of churn risk", "brier"),
    ("  of the base rate alone", "brier_of_base_rate"),
    ("calibration error", "calibration_error"),
    ("  of a perfect model, by chance", "calibration_floor"),
)
NOT_PERCENT = (
    "precision_over_base_rate",
    "false_alarms_per_100",
    "lift_of_lowest_tenth",
    "brier",
    "auc",
    "calibration",
)


TRIAL_FIGURES = (
    f"flagged_{EARLY}_days_ahead",
    *("green_at_churn", "at_risk_share", "precision_at_risk", "precision_over_base_rate", "auc_score"),
)


@contextmanager
def tested_under(lake: Lake, by: Policy | None) -> Iterator[tuple[Lake, Backtest]]:
    """Test health as it was, or as it would have been by other rules; with the lake that has it."""
    if by is None:
        yield lake, backtest(lake, alarms_of(lake, policy()))
        return
    with replayed(lake, by, len(lake.partitions(HEALTH.key)), then=[customers.TABLE]) as replay:
        yield replay.lake, backtest(replay.lake, alarms_of(replay.lake, by))


def print_backtest(lake: Lake, path: Path | None) -> None:
    """Test health on the past of a lake, and print it as a person would want to read it."""
    with tested_under(lake, read_policy(path) if path else None) as (_, result):
        click.secho(f"Did health see it coming? {result.first} to {result.last}", bold=True)
        for tested in result.rules:
            _print_rules(tested)
        _print_missed(result.missed)


def print_trials(lake: Lake, path: Path | None) -> None:
    """Test rules on the past of a lake, and each refinement of them alone, and print a line for each."""
    by = read_policy(path) if path else policy()
    days = lake.partitions(HEALTH.key)
    click.secho(f"Each refinement alone, on {days[0]} to {days[-1]}" if days else "No health yet", bold=True)
    lines = [(name, *_trial(tested)) for name, tested in trials(lake, by)]
    columns = (f"{EARLY} days ahead", "green at churn", "flagged", "right", "times the base rate", "AUC")
    print_rows(Rows(["in force", *columns], lines), "table")
    click.echo(
        "\nOf churners those flagged so early, and those green to the end; of all cases those flagged; of these those "
        "who churned. What is gained by a little may be luck: try it on another past."
    )


def _trial(tested: RulesTested | None) -> Iterator[str]:
    for name in TRIAL_FIGURES:
        value = tested.figures[name].value if tested and name in tested.figures else None
        yield "" if value is None else _figure(value, name)


def _print_rules(tested: RulesTested) -> None:
    count = tested.counts
    click.secho(f"\nRules {tested.policy_hash}: {_verdict(tested)}", bold=True)
    months = f"{_month(tested.months[0])} to {_month(tested.months[-1])}" if tested.months else "no month"
    click.echo(
        f"{count['cases']} times a customer paid on the first day of a month ({months}), after {count['churns']} of "
        f"which they churned within {HORIZON} days ({count['churned_customers']} customers). {count['scheduled']} more "
        f"were set to end already ({count['scheduled_churned']} churned) and are left out."
    )
    click.echo(f"{count['churners']} churns with {HORIZON} days before them; {count['alerts']} alerts to judge.\n")
    shown = [(text, tested.figures[name], name) for text, name in LINES if name in tested.figures]
    for text, measure, name in shown:
        click.echo(f"  {text:<38} {_value(measure, name)}")
    _print_parts(tested)


def _print_parts(tested: RulesTested) -> None:
    parts = [
        *((name, f"auc_{name}") for name in COMPONENTS),
        *((f"override {o}", f"auc_override_{o}") for o in OVERRIDES),
    ]
    rows = [(name, _value(tested.figures[key], key)) for name, key in parts if key in tested.figures]
    if rows:
        click.echo("\nEach part of the score alone (AUC; 0.5 says nothing):")
        print_rows(Rows(["part", "AUC"], rows), "table")


def _verdict(tested: RulesTested) -> str:
    return {
        "too few": f"too few churns to judge by ({tested.counts['churned_customers']}, {MIN_CHURNS} are needed)",
        "no signal": "no signal, the score does no better than chance",
        "signal": "a signal, lower scores churn more often",
    }[tested.verdict]


def _print_missed(missed: Sequence[Autopsy]) -> None:
    click.secho(f"\nMissed: {len(missed)} churns, healthy to the end or warned less than {LATE} days ahead", bold=True)
    if not missed:
        return
    rules = Counter(autopsy.rule for autopsy in missed)
    alarms = {autopsy.rule: autopsy.more_alarms for autopsy in missed}
    prices = [(rule or "nothing that is known showed it", n, _text(alarms[rule])) for rule, n in rules.most_common()]
    print_rows(Rows(["the cheapest rule that would have caught it", "churns", "more alarms a month"], prices), "table")
    click.echo()
    rows = [
        (a.churn.customer_id, a.churn.day, _text(a.churn.score_before), _text(a.first_knowable), a.rule or "none")
        for a in missed[:SHOWN]
    ]
    print_rows(Rows(["customer", "churned on", "score before", "could be known on", "cheapest rule"], rows), "table")


def _value(measure: Measure, name: str) -> str:
    if measure.value is None:
        return "no data"
    low, high = measure.low, measure.high
    interval = "" if low is None or high is None else f"  ({_figure(low, name)} to {_figure(high, name)})"
    return _figure(measure.value, name) + interval


def _figure(value: float, name: str) -> str:
    return f"{value:.2f}" if name.startswith(NOT_PERCENT) else f"{value:.0%}"


def _month(day: date) -> str:
    return f"{day:%B %Y}"


def _text(value: object) -> str:
    return "" if value is None else str(value)
