"""What a CSV file is: a series of values, or deals; and its forecast by the methods of the platform."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from gtm_platform.intelligence.forecasts.backtest import Floats, Rules
from gtm_platform.intelligence.forecasts.csv_file import NOTHING, Csv, UnreadableFile, dates, numbers
from gtm_platform.intelligence.forecasts.pipeline import MAX_AGE, OPEN, Deals, PipelineForecast, forecast_pipeline
from gtm_platform.intelligence.forecasts.series import SeriesForecast, forecast_series

DATE = ("date", "month", "day", "ds", "period", "week", "quarter", "time", "timestamp", "datetime", "year")
VALUE = ("value", "mrr", "y", "revenue", "amount", "sales", "total", "passengers", "close")
NEW = ("new", "new_mrr")
CREATED = (
    *("created", "created_at", "create_date", "createdate", "created_date", "date_created", "engage_date"),
    *("opened", "opened_at", "open_date", "start", "start_date", "created_on"),
)
CLOSED = (
    "closed",
    "closed_at",
    "close_date",
    "closedate",
    "closed_date",
    "date_closed",
    "end",
    "end_date",
    "closed_on",
)
STAGE = ("stage", "deal_stage", "dealstage", "status", "outcome", "result", "won", "is_won", "state")
AMOUNT = ("amount", "close_value", "value", "deal_value", "deal_amount", "worth", "revenue", "price", "acv")
GROUP = ("group", "segment", "pipeline", "deal_type", "type", "product", "region", "sector")
MOST_GROUPS = 12
LONGEST = 1_000  # values of a series that are looked back on
WEEKDAY = "weekday"  # Monday to Friday
ENOUGH_WEEKDAYS = 15  # dates, from which on it is no chance that none is of a weekend
MOST_MISSING = 0.25  # share of the steps that may be put on the line between their neighbours
MONTHS = {"month": 1, "quarter": 3, "year": 12}
STEPS = {1: ("day", 7), 7: ("week", 52), 30: ("month", 12), 91: ("quarter", 4), 365: ("year", 1)}
WON, LOST = ("won", "true", "yes", "1", "win", "success", "successful"), ("lost", "false", "no", "0", "loss", "failed")


@dataclass(frozen=True)
class Choice:
    """The columns that a person names; None of what is to be recognised."""

    date: str | None = None
    value: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class SeriesOfFile:
    """A series, and what of the file was taken for it."""

    heading: str
    days: Sequence[date]
    values: Floats
    new: Floats | None
    step: str
    season: int
    notes: Sequence[str]

    def forecast(self, steps: int, rules: Rules) -> SeriesForecast:
        """Forecast so many steps."""
        new = None if self.new is None else self.new[-LONGEST:]
        return forecast_series(self.values[-LONGEST:], steps, rules, self.season, new)

    def day_ahead(self, steps: int) -> date:
        """Return the day that lies so many steps after the last."""
        last = self.days[-1]
        months = MONTHS.get(self.step)
        if self.step == WEEKDAY:
            return date.fromisoformat(str(np.busday_offset(last, steps, roll="backward")))
        if months is None:
            return last + timedelta(days=steps * (7 if self.step == "week" else 1))
        place = last.year * 12 + last.month - 1 + months * steps
        is_last = (last + timedelta(days=1)).month != last.month
        next_month = date((place + 1) // 12, (place + 1) % 12 + 1, 1) - timedelta(days=1)
        return next_month if is_last else next_month.replace(day=min(last.day, next_month.day))


@dataclass(frozen=True)
class DealsOfFile:
    """Deals, the day that they were looked at, and what of the file was taken for them."""

    deals: Deals
    epoch: date
    as_of: date
    notes: Sequence[str]

    def forecast(self, days: int, rules: Rules) -> PipelineForecast:
        """Forecast what is won within so many days."""
        return forecast_pipeline(self.deals, (self.as_of - self.epoch).days, days, rules)


def recognised(file: Csv, choice: Choice, as_of: date | None = None) -> SeriesOfFile | DealsOfFile:
    """Return what a file is: deals where they are created and closed, else values at dates."""
    if choice.date is None and file.heading(None, CREATED) and file.heading(None, CLOSED):
        return _deals(file, choice, as_of)
    return _series(file, choice)


def _series(file: Csv, choice: Choice) -> SeriesOfFile:
    by_date = file.heading(choice.date, DATE) or next((name for name in file.columns if _dates(file, name)), None)
    at = _dates(file, by_date) if by_date else None
    if by_date is None or at is None:
        raise UnreadableFile(
            f"{file.name} has neither dates with values nor deals that are created and closed. Its columns are "
            f"{', '.join(file.columns)}; name those to use with --date and --value."
        )
    heading = file.heading(choice.value, VALUE) or next(
        (name for name in file.columns if name != by_date and numbers(file.columns[name])), None
    )
    values = numbers(file.columns[heading]) if heading else None
    if heading is None or values is None:
        raise UnreadableFile(f"{file.name}: {heading or 'no column'} holds numbers; name one that does with --value.")
    newly = file.heading(None, NEW) if choice.value is None else None
    came = numbers(file.columns[newly]) if newly and newly != heading else None
    sums: dict[date, tuple[float, float]] = {}
    for day, value, new in zip(at, values, came or values, strict=True):
        if day is not None and value is not None:
            total, total_new = sums.get(day, (0.0, 0.0))
            sums[day] = (total + value, total_new + (new or 0.0))
    days = sorted(sums)
    if len(days) < 2:
        raise UnreadableFile(f"{file.name} has {len(days)} dates with a value; a forecast needs more.")
    step, season = _step(days)
    notes: list[str] = []
    if len(days) < file.rows:
        notes.append(f"{file.rows - len(days)} rows have no value, or the date of another: those of a date are summed.")
    taken = _evenly(days, np.array([sums[day] for day in days], dtype=float), step, notes)
    return SeriesOfFile(heading, days, taken[:, 0], taken[:, 1] if came else None, step, season, notes)


def _dates(file: Csv, name: str) -> list[date | None] | None:
    return dates(file.columns[name])


def _step(days: Sequence[date]) -> tuple[str, int]:
    """Return what lies between most dates, and the steps of its season."""
    usual = float(np.median(np.diff([day.toordinal() for day in days])))
    name, season = STEPS[min(STEPS, key=lambda each: abs(np.log(each / usual)))]
    if name == "day" and len(days) >= ENOUGH_WEEKDAYS and all(day.weekday() < 5 for day in days):
        return WEEKDAY, 5
    return name, season


def _evenly(days: Sequence[date], taken: Floats, step: str, notes: list[str]) -> Floats:
    """Return the values at even steps; few that are missing are put on the line between their neighbours."""
    places = _places(days, step)
    missing = int(places[-1] - places[0] + 1 - len(days))
    if missing <= 0 or (np.diff(places) < 1).any():
        return taken
    if missing > MOST_MISSING * len(days):
        notes.append(f"{missing} {step}s between the dates have no value; what there is counts as even steps.")
        return taken
    notes.append(f"{missing} {step}s between the dates have no value; they are put between their neighbours.")
    every = np.arange(places[0], places[-1] + 1)
    return np.column_stack([np.interp(every, places, column) for column in taken.T])


def _places(days: Sequence[date], step: str) -> NDArray[np.int64]:
    """Return in which step each date lies."""
    if step in MONTHS:
        return np.array([(day.year * 12 + day.month - 1) // MONTHS[step] for day in days], np.int64)
    if step == WEEKDAY:
        return np.array([int(np.busday_count(days[0], day)) for day in days], np.int64)
    length = 7 if step == "week" else 1
    return np.array([round((day - days[0]).days / length) for day in days], np.int64)


def _deals(file: Csv, choice: Choice, as_of: date | None) -> DealsOfFile:
    created_by, closed_by = file.heading(None, CREATED), file.heading(None, CLOSED)
    stage_by, amount_by = file.heading(None, STAGE), file.heading(choice.value, AMOUNT)
    if stage_by is None or amount_by is None or created_by is None or closed_by is None:
        missing = [name for name, by in (("a stage", stage_by), ("an amount", amount_by)) if by is None]
        raise UnreadableFile(
            f"{file.name} has deals, and no column for {' and '.join(missing)}; it has {', '.join(file.columns)}."
        )
    created, closed, worth = _dates(file, created_by), _dates(file, closed_by), numbers(file.columns[amount_by])
    if created is None or closed is None or worth is None:
        wrong = created_by if created is None else closed_by if closed is None else amount_by
        raise UnreadableFile(
            f"{file.name}: some values of {wrong} are no {'numbers' if wrong == amount_by else 'dates'}."
        )
    outcomes = [_outcome(text) for text in file.columns[stage_by]]
    group_by = file.heading(choice.group, GROUP)
    texts = file.columns[group_by] if group_by else ["all"] * file.rows
    if len(set(texts)) > MOST_GROUPS:
        texts, group_by = ["all"] * file.rows, None
    kept = [place for place, day in enumerate(created) if day is not None]
    if not kept:
        raise UnreadableFile(f"{file.name}: no deal has a date in {created_by}.")
    closings = [closed[place] if outcomes[place] is not None else None for place in kept]
    openings = [day for place in kept if (day := created[place]) is not None]
    epoch, last = min(openings), max([*openings, *(day for day in closings if day)])
    names = sorted(set(texts))
    deals = Deals(
        np.array([(day - epoch).days for day in openings], np.int64),
        np.array([(day - epoch).days if day else OPEN for day in closings], np.int64),
        np.array([bool(outcomes[place]) and day is not None for place, day in zip(kept, closings, strict=True)]),
        np.array([worth[place] or 0.0 for place in kept]),
        np.array([names.index(texts[place]) for place in kept], np.int64),
        names,
    )
    notes = [f"Grouped by {group_by}: {', '.join(names)}." if group_by else "Not grouped."]
    notes.append("A file shows stages as they are now: who is won or lost counts, and how long others stay open.")
    if len(kept) < file.rows:
        notes.append(f"{file.rows - len(kept)} deals without a date in {created_by} are left out.")
    if as_of is not None and as_of > last + timedelta(days=MAX_AGE):
        raise UnreadableFile(f"{file.name} ends on {last}, long before {as_of}.")
    return DealsOfFile(deals, epoch, as_of or last, notes)


def _outcome(stage: str) -> bool | None:
    """Return whether a stage is won; None of one that is open."""
    words = stage.lower().replace("_", " ").replace("-", " ").replace("closedwon", "won").replace("closedlost", "lost")
    if words in NOTHING:
        return None
    parts = words.split()
    return True if any(word in WON for word in parts) else False if any(word in LOST for word in parts) else None
