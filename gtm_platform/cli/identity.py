"""`gtm identity …` and `gtm why`: matching of files, explanations, and decisions of people.

What a command does stands in `identity_files` and `identity_decisions`.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click

from gtm_platform.cli.homes import choose_home
from gtm_platform.cli.options import HOME

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
    """Work out which records are the same person or company, and decide it where the rules cannot.

    \b
    Example:
      gtm identity merge jane@acme.com jane.doe@gmail.com --why "She said so in a call"
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


WHO = click.option("--who", help="Who decides.  [default: the user of this machine]")
REASON = click.option("--why", "reason", required=True, help="Why; it is kept with the decision.")


def about_two(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the arguments and options of a decision about two."""
    for declared in (REASON, WHO, click.argument("second"), click.argument("first"), HOME):
        command = declared(command)
    return command


@identity.command()
@about_two
def merge(home: Path | None, first: str, second: str, who: str | None, reason: str) -> None:
    """Decide that FIRST and SECOND are the same person, or the same company, whatever the rules say.

    Each is an address, a customer's id, or a record such as hubspot:123; of companies a domain or a company's id. The
    customer keeps the older id; the other one becomes its alias. A merged company goes by the domain of FIRST. A
    decision holds until it is taken back, also when days are made again.

    \b
    Example:
      gtm identity merge jane@acme.com jane.doe@gmail.com --why "She said so in a call"
      gtm identity merge hubspot:123 stripe:cus_9 --why "One person, two orders"
      gtm identity merge acme.com acme.dev --why "One firm, two names"
    """
    choose_home(home).announce().enter()
    from gtm_platform.cli.identity_decisions import decide

    decide("merge", first, second, who, reason)


@identity.command()
@about_two
def split(home: Path | None, first: str, second: str, who: str | None, reason: str) -> None:
    """Decide that FIRST and SECOND, now one or listed for review, are not the same person, or company.

    Each is an address or a record such as hubspot:123; `gtm why` shows them. Of what the two share, the least sure does
    not count any more; records that hang together with the one or the other stay with it. Of a company, one is its
    domain, the other a further domain that is not its own.

    \b
    Example:
      gtm identity split jane@acme.com eve@acme.com --why "Eve took over the account"
      gtm identity split hubspot:123 intercom:9f2 --why "A colleague's contact"
      gtm identity split acme.com acme.io --why "They sold it"
    """
    choose_home(home).announce().enter()
    from gtm_platform.cli.identity_decisions import decide

    decide("split", first, second, who, reason)


@identity.command()
@HOME
@click.argument("number", type=int)
@WHO
@REASON
def undo(home: Path | None, number: int, who: str | None, reason: str) -> None:
    """Take decision NUMBER back, as if it had never been made.

    \b
    Example:
      gtm identity undo 3 --why "They are two people after all"
    """
    choose_home(home).announce().enter()
    from gtm_platform.cli.identity_decisions import undo as undo_decision

    undo_decision(number, who, reason)


@identity.command()
@HOME
def decisions(home: Path | None) -> None:
    """List what people decided: when, who, why, and what was taken back.

    \b
    Example:
      gtm identity decisions
    """
    choose_home(home).announce().enter()
    from gtm_platform.cli.identity_decisions import list_decisions

    list_decisions()


@click.command()
@HOME
@click.argument("first")
@click.argument("second", required=False)
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="The day at whose end.  [default: the newest there is]")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def why(home: Path | None, first: str, second: str | None, day: datetime | None, as_json: bool) -> None:
    """Explain who somebody is; of two, why they are the same or why they are not.

    Each is an address, a domain, a customer's or company's id, or a record such as hubspot:123.

    \b
    Example:
      gtm why jane@acme.com
      gtm why jane@acme.com stripe:cus_9
      gtm why acme.com acme.co.uk
    """
    choose_home(home).enter()
    from gtm_platform.cli.identity_decisions import print_why

    print_why(first, second, day.date().isoformat() if day else None, as_json=as_json)
