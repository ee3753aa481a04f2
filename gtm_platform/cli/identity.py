"""`gtm identity …`: matching of records. What a command does stands in `identity_files`."""

from pathlib import Path

import click

FILE = click.Path(dir_okay=False, path_type=Path)
TRUTH = click.option(
    "--truth",
    type=FILE,
    help="A CSV file with pairs of ids that are the same, or of each id the entity that it belongs to. Prints "
    "precision, recall and F1.",
)
OUTPUT = click.option("--output", type=FILE, help="Write the result to this file.  [default: standard output]")


@click.group()
def identity() -> None:
    """Work out which records are the same person or company.

    \b
    Example:
      gtm identity dedupe contacts.csv --output clusters.csv
      gtm identity bench --left crm.csv --right billing.csv
    """


@identity.command()
@click.option("--left", type=FILE, required=True, help="A CSV file with a header.")
@click.option("--right", type=FILE, required=True, help="The CSV file to link it with.")
@TRUTH
@OUTPUT
@click.option("--left-id", metavar="COLUMN", help="Column of --left that names its records.  [default: worked out]")
@click.option("--right-id", metavar="COLUMN", help="Column of --right that names its records.  [default: worked out]")
@click.option("--quiet", is_flag=True, help="Print no progress.")
def bench(
    left: Path,
    right: Path,
    truth: Path | None,
    output: Path | None,
    left_id: str | None,
    right_id: str | None,
    quiet: bool,
) -> None:
    """Link the records of two CSV files, and measure how well against a truth file.

    What a column is (a name, a date, an address, a phone number, a company …) is worked out from its header and its
    values; nothing is configured and no labels are needed. Columns of the same header are compared with each other,
    else such as have values in common. Any usual encoding and separator will do.

    The links are written as CSV: left_id, right_id, score (0 to 1), decision. Ids are those of the column that names
    the records, else the number of the row, from 1. People are linked where they are most likely the same. Where
    there is only a column of names to compare, the best match of each left record is written, and the decision says
    what it is worth: same, review or weak. Figures are printed to standard output if the links go to a file, else to
    standard error.

    \b
    Example:
      gtm identity bench --left crm.csv --right billing.csv --output links.csv
      gtm identity bench --left crm.csv --right billing.csv --truth truth.csv --output links.csv
    """
    from gtm_platform.cli.identity_files import bench as run_bench

    run_bench((left, left_id), (right, right_id), truth, output, quiet=quiet)


@identity.command()
@click.argument("file", type=FILE)
@TRUTH
@OUTPUT
@click.option("--id", "id_column", metavar="COLUMN", help="Column that names the records.  [default: worked out]")
@click.option("--quiet", is_flag=True, help="Print no progress.")
def dedupe(file: Path, truth: Path | None, output: Path | None, id_column: str | None, quiet: bool) -> None:
    """Find the records of a CSV file that are the same person or company.

    What a column is, is worked out from its header and its values, as `gtm identity bench --help` says. A column called
    cluster, label, truth or entity is never looked at.

    The file is written anew with two columns before its own: cluster_id, the same for records that are the same, and
    cluster_score (0 to 1), how sure the record's surest match in the cluster is; empty where it is alone.

    \b
    Example:
      gtm identity dedupe contacts.csv --output clusters.csv
      gtm identity dedupe contacts.csv --truth truth.csv --output clusters.csv
    """
    from gtm_platform.cli.identity_files import dedupe as run_dedupe

    run_dedupe(file, id_column, truth, output, quiet=quiet)
