"""The figures that are odd now, with their history: what checks, dashboard and API show of `quality/anomalies`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.lake import Lake

METRICS, ANOMALIES = "quality/daily_metrics", "quality/anomalies"
PLOTTED_DAYS = 56
# Today's figures of what a table holds are judged at once, those of what happened on a day when the day is over.
JUDGED_LAST = 2


@dataclass(frozen=True)
class OddFigure:
    """A figure of a table that is unlike those of the weeks before."""

    subject: str
    metric: str
    kind: str
    day: date
    since: date
    value: float | None
    expected: float
    deviation: float | None
    history: tuple[float | None, ...] = ()  # of the days up to the day, which is the last

    @property
    def change(self) -> float | None:
        """How much it differs from what was expected, as a share of that."""
        return None if self.value is None or not self.expected else self.value / self.expected - 1

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.metric} is missing, {_figure(self.expected)} was expected"
        return f"{self.metric} is {_figure(self.value)}, {_figure(self.expected)} was expected"


def odd_figures(lake: Lake, days: int = JUDGED_LAST) -> list[OddFigure]:
    """Return what is odd of the newest days, each figure as it was last, the furthest off first."""
    newest = lake.partitions(ANOMALIES)
    if not newest:
        return []
    first = (date.fromisoformat(newest[-1]) - timedelta(days=days - 1)).isoformat()
    files = [file for file in lake.files(ANOMALIES) if file.partition >= first]
    with cursor() as connection:
        rows = connection.execute(f"""
            select subject, metric, kind, day, since, value, expected, deviation
            from ({lake.file_query(ANOMALIES, files).sql})
            qualify row_number() over (partition by subject, metric order by day desc) = 1
            order by abs(deviation) desc nulls first, subject, metric""").fetchall()
    figures = [OddFigure(*row) for row in rows]
    histories = _histories(lake, figures)
    return [replace(figure, history=history) for figure, history in zip(figures, histories, strict=True)]


def _histories(lake: Lake, figures: Sequence[OddFigure]) -> list[tuple[float | None, ...]]:
    if not figures:
        return []
    first = min(figure.day for figure in figures) - timedelta(days=PLOTTED_DAYS)
    files = [file for file in lake.files(METRICS) if file.partition >= str(first)]
    with cursor() as connection:
        rows = connection.execute(f"""
            select subject, metric, day, value from ({lake.file_query(METRICS, files).sql})
            where subject in (select unnest({sorted({figure.subject for figure in figures})}))""").fetchall()
    values = {(subject, metric, day): value for subject, metric, day, value in rows}
    begin = min((day for _, _, day, _ in rows), default=first)
    return [
        tuple(
            values.get((figure.subject, figure.metric, figure.day - timedelta(days=back)))
            for back in range(min(PLOTTED_DAYS, (figure.day - begin).days), -1, -1)
        )
        for figure in figures
    ]


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
