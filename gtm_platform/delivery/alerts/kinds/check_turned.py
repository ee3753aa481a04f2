"""A check began to fail or to warn, or passes again; the checks of a run are one message."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from gtm_platform.delivery.alerts.alert import Alert, Facts, Occurrence, Severity
from gtm_platform.delivery.alerts.runbooks import page_of_check


@dataclass(frozen=True)
class CheckTurn:
    """An evaluation whose verdict differs from the one before; `about` describes it without any rows."""

    asset: str
    check: str
    verdict: Literal["ERROR", "WARN", "PASSED"]
    run_id: str  # "" where it was reported from outside a run
    partitions: str
    about: str
    evaluation_id: int


def detect(turns: Iterable[CheckTurn]) -> Iterator[Occurrence]:
    """Yield each of them."""
    for turn in turns:
        facts = {
            "asset": turn.asset,
            "check": turn.check,
            "verdict": turn.verdict,
            "run_id": turn.run_id,
            "partitions": turn.partitions,
            "about": turn.about,
        }
        yield Occurrence(f"{turn.asset}:{turn.check}", f"{turn.evaluation_id}:{turn.verdict}", facts)


TITLES = {"ERROR": "Check failed", "WARN": "Check warns", "PASSED": "Check passes again"}
SEVERITIES: dict[str, Severity] = {"ERROR": "critical", "WARN": "warning", "PASSED": "info"}


def _title(facts: Facts) -> str:
    return f"{TITLES[facts['verdict']]}: {facts['asset']} {facts['check']}"


def _why(facts: Facts) -> str:
    when = f", {facts['partitions']}" if facts["partitions"] else ""
    about = f": {facts['about']}" if facts["about"] else ""
    verdict = {"ERROR": "failed", "WARN": "warned", "PASSED": "passed"}[facts["verdict"]]
    return f"{facts['asset']} {facts['check']} {verdict}{when}{about}"


def _advice(facts: Facts) -> str:
    if facts["verdict"] == "PASSED":
        return ""
    return "See in the run what the check found, mend it, and make the table again."


def _group(facts: Facts) -> str:
    return f"{facts['run_id']}:{'passed' if facts['verdict'] == 'PASSED' else 'failed'}"


def _page(facts: Facts) -> str:
    return f"/runs/{facts['run_id']}" if facts["run_id"] else f"/assets/{facts['asset']}?view=checks"


ALERT = Alert(
    kind="check_turned",
    subject="asset",
    detect=detect,
    title=_title,
    why=_why,
    advice=_advice,
    severity=lambda facts: SEVERITIES[facts["verdict"]],
    route="ops",
    group=_group,
    page=_page,
    runbook=lambda facts: page_of_check(facts["check"]),
)
