"""A run failed for good: it is not retried, or its last try failed too. Failed checks are alerts of their own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gtm_platform.delivery.alerts.alert import Alert, Facts, Occurrence
from gtm_platform.delivery.alerts.runbooks import page_of_failure


@dataclass(frozen=True)
class FailedRun:
    """A run that failed: `what` it was to make, and the sentences and `errors` of the steps that failed."""

    run_id: str
    what: str
    partitions: str
    sentences: tuple[str, ...]
    crashed_checks: tuple[str, ...] = ()  # which raised an error and so gave no verdict, where nothing else failed
    backfill: str = ""  # the runs of a backfill are one message
    errors: tuple[str, ...] = ()


def detect(runs: Iterable[FailedRun]) -> Iterator[Occurrence]:
    """Yield each of them."""
    for run in runs:
        facts = {
            "run_id": run.run_id,
            "what": run.what,
            "partitions": run.partitions,
            "why": " ".join(run.sentences),
            "crashed_checks": list(run.crashed_checks),
            "backfill": run.backfill,
            "errors": list(run.errors),
        }
        yield Occurrence(run.run_id, "", facts)


def _title(facts: Facts) -> str:
    if crashed := facts.get("crashed_checks"):
        more = f" and {len(crashed) - 1} more" if len(crashed) > 1 else ""
        return f"Check crashed: {crashed[0]}{more}"
    partitions = f", {facts['partitions']}" if facts.get("partitions") else ""
    return f"Run failed: {facts['what']}{partitions}"


def _advice(facts: Facts) -> str:
    if facts.get("crashed_checks"):
        return "The check gave no verdict, so nothing is known of the table. Mend the check and run it again."
    return "What had succeeded in it is kept. Launch it again when the cause is mended."


ALERT = Alert(
    kind="run_failed",
    subject="run",
    detect=detect,
    title=_title,
    why=lambda facts: str(facts["why"]),
    advice=_advice,
    severity="critical",
    route="ops",
    group=lambda facts: str(facts.get("backfill") or facts["run_id"]),
    page=lambda facts: f"/runs/{facts['run_id']}",
    runbook=lambda facts: page_of_failure(facts.get("errors", ())),
)
