"""Whether health works: what it said on the first day of each month, and before each churn, beside who then churned.

For each policy hash apart: scores that other rules made are other scores. A customer counts who paid on the day; whose
subscription was set to end already is counted apart, as everybody can see that coming.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median
from typing import Literal

import numpy as np
import pyarrow as pa

from gtm_platform.health import backtest_measures as measures
from gtm_platform.health.backtest_autopsy import Autopsy, autopsies
from gtm_platform.health.backtest_history import HORIZON, Churn, history_of
from gtm_platform.health.backtest_measures import Flags, Floats, Measure, Resampling
from gtm_platform.health.customer_health import COMPONENTS, NOT_AT_RISK, OVERRIDES
from gtm_platform.lake.lake import Lake

Verdict = Literal["too few", "no signal", "signal"]

MIN_CHURNS = 30
EARLY, LATE = 42, 14  # days ahead: time enough to change something, time enough to call


@dataclass(frozen=True)
class Alarm:
    """An alert about a customer that was raised on a day."""

    customer_id: str
    day: date
    kind: str


@dataclass(frozen=True)
class RulesTested:
    """How the scores of one policy hash did."""

    policy_hash: str
    months: Sequence[date]
    verdict: Verdict
    counts: Mapping[str, int]
    figures: Mapping[str, Measure]
    days_ahead: Sequence[int]  # of the churns that were flagged


@dataclass(frozen=True)
class Backtest:
    """The back-test of a lake: each policy hash with its figures, the newest first, and what was missed."""

    first: date
    last: date
    rules: Sequence[RulesTested]
    missed: Sequence[Autopsy] = field(default=())


def backtest(lake: Lake, alarms: Sequence[Alarm] = (), until: date | None = None) -> Backtest:
    """Test the health that the lake has of the past; `until` leaves out the months that begin later."""
    with history_of(lake) as history:
        last = min(until or history.days[-1], history.days[-1] - timedelta(days=HORIZON))
        cases = history.cases()
        cases = cases.filter(pa.array([day <= last for day in cases["day"].to_pylist()], pa.bool_()))
        churns = [churn for churn in history.churns() if until is None or churn.day <= last + timedelta(days=HORIZON)]
        missed = autopsies(history, churns)
        judged = _judged(alarms, history.churn_days(), last)
        hashes = list(dict.fromkeys(reversed(cases["policy_hash"].to_pylist())))
        tested = [
            _tested(
                name,
                cases.filter(pa.array([each == name for each in cases["policy_hash"].to_pylist()], pa.bool_())),
                [churn for churn in churns if churn.policy_hash == name],
                judged,
                missed=sum(autopsy.churn.policy_hash == name for autopsy in missed),
            )
            for name in hashes
        ]
        return Backtest(history.days[0], history.days[-1], tested, missed)


def _judged(
    alarms: Sequence[Alarm], churn_days: Mapping[str, Sequence[date]], last: date
) -> Sequence[tuple[Alarm, bool]]:
    """Return the alarms whose 90 days are over, with whether their customer churned in them."""
    horizon = timedelta(days=HORIZON)
    return [
        (alarm, any(alarm.day < day <= alarm.day + horizon for day in churn_days.get(alarm.customer_id, ())))
        for alarm in alarms
        if alarm.day <= last
    ]


def _tested(
    policy_hash: str,
    cases: pa.Table,
    churns: Sequence[Churn],
    alarms: Sequence[tuple[Alarm, bool]],
    *,
    missed: int,
) -> RulesTested:
    scheduled = _flags(cases, "scheduled")
    open_cases = cases.filter(pa.array(~scheduled))
    churned = _flags(open_cases, "churned")
    counts = {
        "cases": len(churned),
        "customers": len(set(open_cases["customer_id"].to_pylist())),
        "churns": int(churned.sum()),
        "churned_customers": len(set(open_cases.filter(pa.array(churned))["customer_id"].to_pylist())),
        "scheduled": int(scheduled.sum()),
        "scheduled_churned": int((scheduled & _flags(cases, "churned")).sum()),
        "churners": len(churns),
        "flagged": sum(churn.days_ahead is not None for churn in churns),
        "missed": missed,
        "alerts": len(alarms),
    }
    figures = {
        **(_of_cases(open_cases, churned) if len(churned) else {}),
        **_of_churns(churns),
        **_of_alarms(alarms),
    }
    return RulesTested(
        policy_hash=policy_hash,
        months=sorted(set(cases["day"].to_pylist())),
        verdict=_verdict(counts["churned_customers"], figures),
        counts=counts,
        figures=figures,
        days_ahead=[churn.days_ahead for churn in churns if churn.days_ahead is not None],
    )


def _verdict(churns: int, figures: Mapping[str, Measure]) -> Verdict:
    """Return whether the score ranks those who churn before those who stay, beyond chance."""
    if churns < MIN_CHURNS:
        return "too few"
    low = figures["auc_score"].low
    return "signal" if low is not None and low > 0.5 else "no signal"


def _of_cases(cases: pa.Table, churned: Flags) -> dict[str, Measure]:
    resampling = Resampling(cases["customer_id"].to_pylist())
    score, risk = _numbers(cases, "health_score"), _numbers(cases, "churn_risk") / 100
    flagged = np.array([status not in NOT_AT_RISK for status in cases["health_status"].to_pylist()], bool)
    lowest = measures.lowest_tenth(score)
    rate = float(churned.mean())
    in_lowest, at_risk = resampling.share(churned, lowest), resampling.share(churned, flagged)
    return {
        "base_rate": resampling.share(churned),
        "at_risk_share": resampling.share(flagged),
        "precision_at_risk": at_risk,
        "precision_over_base_rate": _divided(at_risk, rate),
        "recall_at_risk": resampling.share(flagged, churned),
        "false_alarms_per_100": _divided(resampling.share(flagged & ~churned), 0.01),
        "auc_score": _auc(resampling, -score, churned),
        "auc_risk": _auc(resampling, risk, churned),
        "brier": Measure(measures.brier(risk, churned)),
        "brier_of_base_rate": Measure(float(rate * (1 - rate))),
        "brier_skill": resampling.figure(lambda weights: measures.brier_skill(risk, churned, weights), len(risk)),
        "calibration_error": Measure(measures.calibration_error(risk, churned)),
        "calibration_floor": Measure(measures.calibration_floor(risk)),
        "lift_of_lowest_tenth": _divided(in_lowest, rate),
        **{f"auc_{name}": _auc_of_part(resampling, cases, f"{name}_score", churned) for name in COMPONENTS},
        **{f"auc_override_{name}": _auc_of_part(resampling, cases, f"override_{name}", churned) for name in OVERRIDES},
    }


def _auc(resampling: Resampling, risk: Floats, churned: Flags) -> Measure:
    return resampling.figure(lambda weights: measures.auc(risk, churned, weights), len(risk))


def _auc_of_part(resampling: Resampling, cases: pa.Table, name: str, churned: Flags) -> Measure:
    """Rank by a part of the score alone; where it has no data it says as little as its median."""
    values = _numbers(cases, name)
    if np.isnan(values).all():
        return Measure(None)
    return _auc(resampling, -np.where(np.isnan(values), np.nanmedian(values), values), churned)


def _of_churns(churns: Sequence[Churn]) -> dict[str, Measure]:
    """How early each churn was flagged, and how many counted as healthy to the end."""
    if not churns:
        return {}
    resampling = Resampling([churn.customer_id for churn in churns])
    ahead = np.array([-1 if churn.days_ahead is None else churn.days_ahead for churn in churns])
    flagged = [churn.days_ahead for churn in churns if churn.days_ahead is not None]
    return {
        f"flagged_{EARLY}_days_ahead": resampling.share(ahead >= EARLY),
        f"flagged_{LATE}_days_ahead": resampling.share(ahead >= LATE),
        "green_at_churn": resampling.share(np.array([churn.was_green for churn in churns], bool)),
        "median_days_ahead": Measure(float(median(flagged)) if flagged else None),
    }


def _of_alarms(alarms: Sequence[tuple[Alarm, bool]]) -> dict[str, Measure]:
    """Return the share of alerts whose customer churned within 90 days, of all and of each kind."""
    if not alarms:
        return {}
    resampling = Resampling([alarm.customer_id for alarm, _ in alarms])
    right = np.array([is_right for _, is_right in alarms], bool)
    kinds = np.array([alarm.kind for alarm, _ in alarms], dtype=object)
    return {
        "precision_alerts": resampling.share(right),
        **{f"precision_alerts_{kind}": resampling.share(right, kinds == kind) for kind in sorted(set(kinds))},
    }


def _divided(measure: Measure, by: float) -> Measure:
    if not by or measure.value is None:
        return Measure(None)
    low, high = (None if edge is None else edge / by for edge in (measure.low, measure.high))
    return Measure(measure.value / by, low, high)


def _flags(cases: pa.Table, name: str) -> Flags:
    return np.array([bool(value) for value in cases[name].to_pylist()], bool)


def _numbers(cases: pa.Table, name: str) -> Floats:
    return np.array([np.nan if value is None else float(value) for value in cases[name].to_pylist()])
