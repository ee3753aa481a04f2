"""An explanation of a score as a person would write it down: the calculation line by line, then why and what to do."""

from collections.abc import Iterator, Mapping
from typing import Any

from gtm_platform.health.calculations import figure
from gtm_platform.health.explanation import Component, Explanation, RiskSignal
from gtm_platform.health.movement import MovedPart

SINCE = {"1d": "since yesterday", "7d": "in 7 days", "30d": "in 30 days"}
CAUSES: Mapping[str, str] = {
    "code": "another version of the platform",
    "rules": "other rules",
    "late_data": "data of then that came late",
    "identity": "records that belong to another customer since",
    "unknown": "not split",
}
FACTS: Mapping[str, str] = {
    "time_as_customer": "time as a customer",
    "mrr_of_other_customers": "what other customers pay",
    "time_without_score": "time without a score",
}


def text(explanation: Explanation, title: str) -> str:
    """Return the explanation under a title that says whose it is."""
    return f"{title}\n{written(explanation)}"


def written(explanation: Explanation) -> str:
    """Return the explanation without a title, which may be personal."""
    sections = [
        ["Components: points earned of those possible", *_components(explanation)],
        ["Score", *_score(explanation)],
        ["Changes", *_changes(explanation)],
        ["Signals", *map(signal_line, explanation.signals)],
        ["To do", *(f"{number}. {action}" for number, action in enumerate(explanation.recommended_actions, start=1))],
        ["Rules", _rules(explanation)],
    ]
    blocks = [f"{head}\n" + "\n".join(f"  {line}" for line in lines or ["none"]) for head, *lines in sections]
    return "\n\n".join([f"  {_summary(explanation)}", *blocks])


def _summary(explanation: Explanation) -> str:
    if explanation.health_score is None:
        return f"No score on {explanation.as_of}: there are no data for any component."
    risk = f"churn risk {explanation.churn_risk} % by {explanation.churn_risk_model}"
    return f"{explanation.health_score}, {explanation.health_status} on {explanation.as_of}; {risk}"


def _components(explanation: Explanation) -> Iterator[str]:
    for part in explanation.components:
        yield f"{part.component:<11}{_points(part)}"
        if part.calculation:
            yield f"{'':<11}{part.score} = {part.calculation}"


def _points(part: Component) -> str:
    if part.score is None:
        return "no data; the others share its weight"
    if part.possible is None:
        return f"scores {part.score}; its weight is not known, as the rules of the day were not kept"
    earned = f"{part.earned:.2f} of {part.possible:.2f}, {part.missed:.2f} missed"
    return f"{earned} (scores {part.score}, weighs {part.weight:g})"


def _score(explanation: Explanation) -> Iterator[str]:
    if explanation.base_score is None:
        return
    share = f"{explanation.health_confidence:.0%} of the weights have data"
    yield f"{explanation.base_score:>8.2f}  mean of the components by weight; {share}"
    for override in explanation.overrides:
        yield f"{override.points:>8.2f}  {override.why} ({_figures(override.inputs)})"
    total = explanation.base_score + sum(override.points for override in explanation.overrides)
    yield f"{total:>8.2f}  rounded, within 0 and 100: {explanation.health_score}"


def _changes(explanation: Explanation) -> Iterator[str]:
    movements = {f"{movement.days}d": movement for movement in explanation.movements}
    for days, change in explanation.changes.items():
        movement = movements.get(days)
        yield f"{SINCE[days]}: {_change(change, movement.score_before if movement else None, explanation.health_score)}"
        if movement:
            yield from (f"{part.points:>+8.2f}  {part_in_words(part)}" for part in movement.main_parts)


def _change(change: int | None, score_before: int | None, score: int | None) -> str:
    """Return a change; where the day has been made again since, also what it is counted from in the parts."""
    if score_before is None or score is None or score - score_before == change:
        return "no score then" if change is None else f"{change:+d}"
    again = "no score" if change is None else str(score - change)
    return f"{score - score_before:+d} from {score_before}, as was said then; that day made again has {again}"


def part_in_words(part: MovedPart) -> str:
    """Return what moved a score: a cause, or the component and what the fact was and is."""
    if part.fact is None:
        return CAUSES.get(part.cause, part.cause)
    fact = FACTS.get(part.fact, part.fact)
    shown = f"{fact} {part.before or 'none'} → {part.after or 'none'}" if part.before or part.after else fact
    return f"{part.component.replace('_', ' ')}: {shown}" if part.component else shown


def signal_line(signal: RiskSignal) -> str:
    """Return a signal with the figures that show it."""
    return f"{signal.signal}: {_figures(signal.evidence)}" if signal.evidence else signal.signal


def _figures(columns: dict[str, Any]) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in columns.items() if value is not None)


def _shown(value: Any) -> str:
    return figure(value) if isinstance(value, float) else str(value)


def _rules(explanation: Explanation) -> str:
    force = "in force" if explanation.rules_in_force else "no longer in force"
    return f"policy {explanation.policy_hash}, {force}"
