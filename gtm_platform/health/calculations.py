"""How the score of a component is worked out: an expression to follow with a pocket calculator, and after a colon what
its figures are.

The rule itself stands in `components`; a test works these expressions out again and compares.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from gtm_platform.health.components import DAYS_A_MONTH, INPUTS, LOGIN_DAYS
from gtm_platform.policy import Health

Facts = Mapping[str, Any]


def calculation(component: str, facts: Facts, score: float | None, rules: Health, day: date) -> str | None:
    """Return how the score of a component is worked out; None where there are no data for it."""
    inputs = [*INPUTS[component], *(["signup_at"] if component == "activity" else [])]
    if score is None or all(facts.get(name) is None for name in inputs):
        return None
    return WRITTEN[component](facts, score, rules, day)


def figure(value: float) -> str:
    """Return a number as a person writes it: without needless digits, with a true minus."""
    return f"{float(value):.4f}".rstrip("0").rstrip(".").replace("-", "−")


def _activity(facts: Facts, _score: float, rules: Health, day: date) -> str:
    seen, corners = facts["days_since_seen"], rules.activity_points
    days = int(seen) if seen is not None else (day - _date(facts["signup_at"])).days
    since = f"seen {days} days ago" if seen is not None else f"never seen, signed up {days} days ago"
    (first, most), (last, least) = corners[0], corners[-1]
    if days <= first:
        return f"{figure(most)}: {since}, which is at most {first}"
    for (early, high), (late, low) in pairwise(corners):
        if days <= late:
            line = f"{figure(high)} + ({days} − {early}) × ({figure(low)} − {figure(high)}) / ({late} − {early})"
            return f"{line}: {since}"
    return f"{figure(least)}: {since}, which is more than {last}"


def _support(facts: Facts, _score: float, rules: Health, _day: date) -> str:
    csat, tone = facts["csat_avg_90d"], facts["sentiment_90d"]
    added, prior = rules.refinements.csat_prior_answers, rules.refinements.csat_prior
    count = facts.get("csat_count_90d") or 1
    mean = None if csat is None else figure(csat)
    if added:
        mean = mean and f"({mean} × {count} + {figure(prior)} × {added}) / ({count} + {added})"
    ratings = mean and f"({mean} − 1) / 4 × 100"
    words = None if tone is None else f"({figure(tone)} + 1) / 2 × 100"
    names = {"mean rating": ratings, "tone": words}
    mixture = _mixed((rules.csat_share, ratings), (rules.tone_share, words))
    return f"{mixture}: of " + " and ".join(name for name, part in names.items() if part)


def _payment(facts: Facts, _score: float, rules: Health, _day: date) -> str:
    status, failed = facts["subscription_status"], facts["failed_payments_30d"] or 0
    begin, forgiven = figure(getattr(rules.payment_points, status)), rules.refinements.failed_payments_from - 1
    if failed <= forgiven:
        return f"{begin}: {status}" + (f", failed payments ({failed}) not counted up to {forgiven}" if failed else "")
    counted = f"({failed} − {forgiven})" if forgiven else f"{failed}"
    return f"max(0, {begin} − {counted} × {figure(rules.failed_payment_points)}): {status}, {failed} failed payments"


def _engagement(facts: Facts, _score: float, rules: Health, day: date) -> str:
    logins, onboarding, signup = facts["logins_30d"], facts["onboarding_pct"], facts.get("signup_at")
    days = LOGIN_DAYS
    if rules.refinements.logins_by_days_since_signup and signup:
        days = min(LOGIN_DAYS, max(1, (day - _date(signup)).days))
    expected = f"{logins}" if days == LOGIN_DAYS else f"{logins} × {LOGIN_DAYS} / {days}"
    used = None if logins is None else f"min(1, {expected} / {rules.logins_for_full_engagement}) × 100"
    learnt = None if onboarding is None else figure(onboarding)
    names = {f"{logins} logins in 30 days": used, "onboarding": learnt}
    mixture = _mixed((rules.logins_share, used), (rules.onboarding_share, learnt))
    return f"{mixture}: of " + " and ".join(name for name, part in names.items() if part)


def _tenure(facts: Facts, _score: float, rules: Health, day: date) -> str:
    began = min(moment for moment in (facts["signup_at"], facts["first_paid_at"]) if moment)
    days = (day - _date(began)).days
    full = figure(rules.months_for_full_tenure)
    return f"min(1, {days} / {DAYS_A_MONTH} / {full}) × 100: {days} days since {_date(began)}"


def _mrr(facts: Facts, score: float, _rules: Health, _day: date) -> str:
    amount = float(facts["mrr_reporting"])
    return f"{figure(score)}: percentile of {figure(amount)} among those who pay" if amount else "0: pays nothing"


def _mixed(*parts: tuple[float, str | None]) -> str:
    present = [(share, part) for share, part in parts if part is not None]
    if len(present) == 1:
        return present[0][1]
    return " + ".join(f"{figure(share)} × {part}" for share, part in present)


def _date(moment: datetime | str) -> date:
    """Return the day of a moment, which JSON has as text."""
    return date.fromisoformat(moment[:10]) if isinstance(moment, str) else moment.date()


WRITTEN: Mapping[str, Callable[[Facts, float, Health, date], str]] = {
    "activity": _activity,
    "support": _support,
    "payment": _payment,
    "engagement": _engagement,
    "tenure": _tenure,
    "mrr": _mrr,
}
