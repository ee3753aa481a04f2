"""A week in figures, once its Sunday is there: as the summary of a day, compared with the Sunday before."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from gtm_platform.delivery.alerts.alert import Alert, Occurrence

SUNDAY, DAYS = 6, 7


def detect(days: Sequence[str]) -> Iterator[Occurrence]:
    """Yield the last day of the week that ended last, if it is one of the days."""
    newest = date.fromisoformat(max(days)) if days else None
    if newest is None:
        return
    last = newest - timedelta(days=(newest.weekday() - SUNDAY) % DAYS)
    if last.isoformat() in days:
        yield Occurrence(last.isoformat(), "", {})


ALERT = Alert(
    kind="weekly_summary",
    subject="platform",
    detect=detect,
    title="Weekly summary",
    why="The week is over, and the checks of its last day passed.",
    advice="",
    severity="info",
    route="summaries",
)
