"""`gtm score`: score the rows of a file, and say whether the scores can be believed."""

from pathlib import Path

import click

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=FILE)
@click.option("--target", required=True, metavar="COLUMN", help="Column with the outcome: two values, such as yes, no.")
@click.option(
    "--time",
    metavar="COLUMN",
    help="Column with the date that each row is of. Trains on the earlier 70 %, tests on the later rows.",
)
@click.option(
    "--keep",
    multiple=True,
    metavar="COLUMN",
    help="Use this column although it looks like a leak: it was known before the outcome. May be repeated.",
)
@click.option("--drop", multiple=True, metavar="COLUMN", help="Do not use this column. May be repeated.")
@click.option(
    "--out", type=FILE, help="Write the scores with their reasons to this file: CSV, or Parquet by its ending."
)
@click.option(
    "--reasons",
    type=click.IntRange(0),
    default=500,
    show_default=True,
    help="Explain so many rows in --out, those with the highest scores.",
)
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def score(
    file: Path,
    target: str,
    time: str | None,
    keep: tuple[str, ...],
    drop: tuple[str, ...],
    out: Path | None,
    reasons: int,
    style: str,
) -> None:
    """Score the rows of a CSV or Parquet FILE for an outcome, and say how far the scores can be believed.

    What a column is (a number, a category, a date, an id) is worked out from its values; nothing is configured. Columns
    that may hold the outcome are named with the reason and left out, until --keep vouches for them. Every figure is of
    rows that the model was not trained on: each row is scored by models that did not see it, or, with --time, the later
    rows by a model of the earlier ones.

    The verdict is a signal where ranking (AUC) and probabilities (Brier) are both better than chance in 97.5 % of
    resampled tables; no signal, and then the base rate is delivered for every row; or too little data (below 200 rows,
    or 30 of either outcome). ECE is the distance between what was said and what came; beside it stands what a perfect
    model would have here by chance.

    --out has a row for each row of the file that was scored: score (of the models that did not see it; rows without an
    outcome are scored, too), score_explained (of the model of all rows), base, and a column reason:<column> for each
    column. base and the reasons are log-odds, and add up to those of score_explained exactly.

    \b
    Example:
      gtm score leads.csv --target converted
      gtm score customers.parquet --target churned --time as_of --out scores.csv
      gtm score leads.csv --target converted --keep "Lead Quality" --drop "Notes"
    """
    from gtm_platform.cli.score_file import score_file

    score_file(file, target, time, keep=keep, drop=drop, out=out, explained=reasons, as_json=style == "json")
