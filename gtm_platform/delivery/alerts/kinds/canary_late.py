"""A stage did not see in its time what a canary did, or sees again what they do."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gtm_platform.delivery.alerts.alert import Alert, Facts, Occurrence


@dataclass(frozen=True)
class CanaryTurn:
    """A stage that failed, or no longer does; `about` says what it was to see."""

    stage: str
    failed: bool
    about: str
    at: str


def detect(turns: Iterable[CanaryTurn]) -> Iterator[Occurrence]:
    """Yield each of them."""
    for turn in turns:
        facts = {"stage": turn.stage, "about": turn.about} | ({} if turn.failed else {"recovered": True})
        yield Occurrence("canaries", f"{turn.stage}:{'failed' if turn.failed else 'well'}:{turn.at}", facts)


ADVICE = {
    "written": "See why nothing could be done in Intercom or HubSpot: the asset quality/canaries, `gtm canary list`.",
    "landed": "See whether Intercom and HubSpot are read: their tables in Dagster, and `gtm doctor`.",
    "identity": "See why the daily tables were not made: the job daily_tables in Dagster, from identity/links on.",
    "scores": "See which of the daily tables after identity/people failed, and what quality checks say of them.",
    "alert": "See delivery/slack_alerts: alerts of customers do not go out either.",
    "hubspot": "See delivery/hubspot_contacts: values of customers do not reach HubSpot either.",
    "report": "See the weekly reports in Dagster: `gtm report` makes one now.",
}


def _title(facts: Facts) -> str:
    return f"Canaries are seen again: {facts['stage']}" if facts.get("recovered") else f"Canary lost: {facts['stage']}"


ALERT = Alert(
    kind="canary_late",
    subject="platform",
    detect=detect,
    title=_title,
    why=lambda facts: str(facts["about"]),
    advice=lambda facts: ADVICE[facts["stage"]],
    severity="critical",
    route="ops",
    page=lambda _: "/assets/quality/canaries",
)
