"""A difference and its interval by day, out of the lake and as an image."""

from collections.abc import Sequence
from typing import Any

from gtm_platform.intelligence.effect.effect import TABLE as EFFECT
from gtm_platform.intelligence.forecasts.plot import Plot
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.lake import Lake

Row = dict[str, Any]
DAYS = 400  # of an experiment that are shown


def history_of(lake: Lake, until: str = "9999") -> list[Row]:
    """Return the rows of the newest experiment on each day of it up to one, the oldest first."""
    files = [file for file in lake.files(EFFECT.key) if file.partition <= until][-DAYS:]
    rows: list[Row] = []
    with cursor() as connection:
        for file in files:
            query = lake.file_query(EFFECT.key, [file])
            with lake.naming_damage(lambda: query.files):  # noqa: B023  called at once
                result = connection.execute(f"select * from ({query.sql}) order by outcome")
                names = [column[0] for column in result.description or []]
                of_day = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
            rows += [{"day": file.partition, **row} for row in of_day]
    if not rows:
        return []
    newest = max(rows, key=lambda row: (row["starts_on"], row["experiment"]))["experiment"]
    return [row for row in rows if row["experiment"] == newest]


def plot(rows: Sequence[Row], about: str) -> str:
    """Return an image in Markdown of a difference, with its interval and the line of none."""
    measured = [row for row in rows if row["difference"] is not None]
    difference, low, high = ([row[name] for row in measured] for name in ("difference", "low", "high"))
    return Plot([0.0], difference, low, high, naive=[0.0] * len(measured)).markdown(about)
