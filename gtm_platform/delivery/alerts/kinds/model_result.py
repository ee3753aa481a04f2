"""A month's model has no signal any more, or whom it is about are unlike those that it learned of."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gtm_platform.delivery.alerts.alert import Alert, Facts, Occurrence, recovered

SIGNAL = "signal"
LOST, DRIFTED = "lost", "drifted"


@dataclass(frozen=True)
class ModelTest:
    """The test of a month's model, and that of the month before; `drift_fail` is the policy's limit."""

    model: str
    page: str  # of the registry in Dagster
    month: str
    verdict: str
    drift: float | None
    drifted_column: str | None
    verdict_before: str | None
    drift_before: float | None
    drift_fail: float
    subjects: str  # customers
    without_signal: str  # what is delivered then


def detect(tests: Iterable[ModelTest]) -> Iterator[Occurrence]:
    """Yield what is otherwise than by the test before; a first test has nothing to lose."""
    for test in tests:
        had, has = test.verdict_before == SIGNAL, test.verdict == SIGNAL
        common = {"model": test.model, "page": test.page, "month": test.month, "subjects": test.subjects}
        if test.verdict_before is not None and had != has:
            lost = {"trouble": LOST, "verdict": test.verdict, "recovered": has, "instead": test.without_signal}
            facts = common | lost
            yield Occurrence(test.model, f"{test.month}:{LOST}:{has}", facts)
        drifted, had_drifted = _is_far(test.drift, test), _is_far(test.drift_before, test)
        if drifted != had_drifted and (drifted or test.drift is not None):
            figures = {"drift": test.drift, "column": test.drifted_column, "limit": test.drift_fail}
            facts = common | {"trouble": DRIFTED, "recovered": not drifted} | figures
            yield Occurrence(test.model, f"{test.month}:{DRIFTED}:{not drifted}", facts)


def _is_far(drift: float | None, test: ModelTest) -> bool:
    return drift is not None and drift > test.drift_fail


def _title(facts: Facts) -> str:
    if facts["trouble"] == LOST:
        state = "has a signal" if recovered(facts) else "lost its signal"
    else:
        state = f"knows its {facts['subjects']} again" if recovered(facts) else "drifted"
    return f"The model of {facts['model']} {state}"


def _why(facts: Facts) -> str:
    month = f"{facts['month'][:7]}"
    if facts["trouble"] == DRIFTED:
        side = "within" if recovered(facts) else "past"
        return f"{facts['column']} moved by {facts['drift']:.3f} in the test of {month}, {side} {facts['limit']:g}."
    if recovered(facts):
        return f"In the test of {month} it was better than chance; its scores are shown once later months confirm it."
    return f"The test of {month} came to: {facts['verdict']}. {facts['instead']}"


def _advice(facts: Facts) -> str:
    if facts["trouble"] == DRIFTED:
        return "See what changed in the column, in its source or in the product, and train the month again once mended."
    return "See in the registry what the month learned of, and whether a column that mattered is gone or empty."


ALERT = Alert(
    kind="model_result",
    subject="platform",
    detect=detect,
    title=_title,
    why=_why,
    advice=_advice,
    severity=lambda facts: "critical" if facts["trouble"] == DRIFTED else "warning",
    route="ops",
    page=lambda facts: str(facts["page"]),
)
