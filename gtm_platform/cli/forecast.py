"""`gtm forecast`: what a file of values or of deals lets expect, beside the naive forecast."""

import csv
import json
import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gtm_platform.ingest.files.spreadsheet import guarded

if TYPE_CHECKING:
    from gtm_platform.intelligence.forecasts.backtest import Rules
    from gtm_platform.intelligence.forecasts.of_file import DealsOfFile, SeriesOfFile

STEPS, DAYS = 6, (30, 60, 90)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--steps", type=click.IntRange(1, 60), default=STEPS, show_default=True, help="Of values: steps ahead.")
@click.option(
    "--days",
    type=click.IntRange(1, 365),
    multiple=True,
    help="Of deals: what is won within so many days; may be repeated.  [default: 30, 60, 90]",
)
@click.option("--date", "date_", metavar="COLUMN", help="Of values: the column of dates.  [default: recognised]")
@click.option(
    "--value", metavar="COLUMN", help="The column of values, or of the deals' amounts.  [default: recognised]"
)
@click.option("--group", metavar="COLUMN", help="Of deals: the column that groups them.  [default: recognised]")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Of deals: the day that is looked from.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file: .csv or .json.")
def forecast(
    file: Path,
    steps: int,
    days: Sequence[int],
    date_: str | None,
    value: str | None,
    group: str | None,
    as_of: datetime | None,
    out: Path | None,
) -> None:
    """Forecast FILE, a CSV of values at dates or of deals, beside the naive forecast.

    Values need a column of dates and one of numbers (date,value); a column `new`, of what of each value came in its
    step, lets movements be used. Deals need when they were created and closed, their stage, and their amount
    (created,closed,stage,amount). Which it is, is recognised by the columns and printed.

    Every method is tried on the file's own past, and another than the naive is used only where it was clearly better.
    Intervals are as wide as past errors: they are to hold four of five values that come. Nothing leaves this machine,
    and no home is needed.

    \b
    Example:
      gtm forecast mrr.csv
      gtm forecast mrr.csv --steps 12 --out forecast.csv
      gtm forecast deals.csv --days 30 --days 90
    """
    from gtm_platform.intelligence.forecasts.backtest import Rules
    from gtm_platform.intelligence.forecasts.csv_file import read_csv
    from gtm_platform.intelligence.forecasts.of_file import Choice, DealsOfFile, recognised

    if out is not None and out.suffix not in (".csv", ".json"):
        raise click.UsageError("--out takes a file that ends in .csv or .json.")
    subject = recognised(read_csv(file), Choice(date_, value, group), as_of.date() if as_of else None)
    if isinstance(subject, DealsOfFile):
        rows = _of_deals(file.name, subject, tuple(days) or DAYS, Rules())
    else:
        rows = _of_series(file.name, subject, steps, Rules())
    if out is not None:
        _write(out, rows)
        click.echo(f"\nWritten to {out}.")


def _of_series(name: str, subject: "SeriesOfFile", steps: int, rules: "Rules") -> list[dict[str, Any]]:
    result = subject.forecast(steps, rules)
    click.secho(
        f"{name}: {len(subject.values)} values of {subject.heading}, a {subject.step} apart, "
        f"{subject.days[0]} to {subject.days[-1]}",
        bold=True,
    )
    _print_notes(subject.notes)
    rows = [
        {
            "date": subject.day_ahead(step.number).isoformat(),
            "forecast": step.value,
            "low": step.low,
            "high": step.high,
            "naive": step.naive,
        }
        for step in result.steps
    ]
    _print(rows)
    click.echo("\nMean error of past forecasts, by steps ahead")
    errors = [
        {"method": method, **{f"+{step}": _percent(error) for step, error in enumerate(each, 1)}}
        for method, each in result.errors.items()
    ]
    delivered = {f"+{step}": _percent(error) for step, error in enumerate(result.delivered_errors, 1)}
    _print([*errors, {"method": "(what would have been delivered)", **delivered}])
    _print_verdict(result.chosen.sentence, result.delivered.coverage, rules)
    return [row | {"method": result.chosen.method, "verdict": result.chosen.sentence} for row in rows]


def _of_deals(name: str, subject: "DealsOfFile", days: Sequence[int], rules: "Rules") -> list[dict[str, Any]]:
    deals = subject.deals
    click.secho(
        f"{name}: {len(deals.created)} deals, {int(deals.won.sum())} of them won and "
        f"{int((deals.closed < 0).sum())} open, looked at on {subject.as_of}",
        bold=True,
    )
    _print_notes(subject.notes)
    results = [subject.forecast(each, rules) for each in days]
    rows = [
        {
            "days": result.days,
            "won": result.value,
            "low": result.low,
            "high": result.high,
            "naive": result.naive,
            "of open deals": result.outlook.of_open,
            "of deals to come": result.outlook.to_come,
        }
        for result in results
    ]
    _print(rows)
    click.echo("\nMean error of past forecasts, by days ahead")
    methods = results[0].chosen.errors
    errors = [
        {"method": method, **{f"{each.days} days": _percent(each.chosen.errors[method]) for each in results}}
        for method in methods
    ]
    delivered = {f"{each.days} days": _percent(each.delivered_error) for each in results}
    _print([*errors, {"method": "(what would have been delivered)", **delivered}])
    for result in results:
        click.echo(f"\n{result.days} days:", nl=False)
        _print_verdict(result.chosen.sentence, result.delivered.coverage, rules)
    return [
        row | {"method": result.chosen.method, "verdict": result.chosen.sentence}
        for row, result in zip(rows, results, strict=True)
    ]


def _print_notes(notes: Sequence[str]) -> None:
    for note in notes:
        click.echo(note)
    click.echo()


def _print_verdict(sentence: str, coverage: float | None, rules: "Rules") -> None:
    click.secho(f"\n{sentence}", bold=True)
    if coverage is None:
        click.echo("Its past is too short for intervals that were tried.")
    else:
        click.echo(f"Intervals for {rules.interval:.0%} held {coverage:.0%} of what came.")


def _print(rows: Sequence[dict[str, Any]]) -> None:
    from gtm_platform.cli.printing import Rows, print_table

    columns = list(rows[0])
    print_table(Rows(columns, [tuple(_shown(row[name]) for name in columns) for row in rows]))


def _shown(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.2f}" if abs(value) >= 1 else f"{value:.4g}"


def _percent(error: float) -> str:
    return "" if math.isnan(error) else f"{error:.1%}"


def _write(out: Path, rows: Sequence[dict[str, Any]]) -> None:
    if out.suffix == ".json":
        out.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
        return
    with out.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({name: guarded(value) for name, value in row.items()} for row in rows)
