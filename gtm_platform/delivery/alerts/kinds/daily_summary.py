"""A day in figures: what there is, what came, grew, shrank and left, who is newly at risk, and how good the data is."""

from collections.abc import Iterator, Sequence

from gtm_platform.delivery.alerts.alert import Alert, Occurrence


def detect(days: Sequence[str]) -> Iterator[Occurrence]:
    """Yield the newest of the days that there are."""
    if days:
        yield Occurrence(max(days), "", {})


ALERT = Alert(
    kind="daily_summary",
    subject="platform",
    detect=detect,
    title="Daily summary",
    why="The day is made and its checks passed.",
    advice="",
    severity="info",
    route="summaries",
)
