"""`gtm erase` and `gtm export`: the commands. What they do stands in `privacy`, and in `erasing` beside this module."""

import sys
from pathlib import Path

import click

from gtm_platform.cli.homes import choose_home, enter_with_sandbox
from gtm_platform.cli.options import HOME


@click.command()
@HOME
@click.argument("person", required=False)
@click.option("--reason", help="Why, for the record: such as the number of the request.")
@click.option("--yes", is_flag=True, help="Carry the plan out at once.")
@click.option("--plan", "plan_id", metavar="ID", help="Carry out a plan, or finish one that was begun.")
@click.option(
    "--receipt", type=click.Path(dir_okay=False, path_type=Path), help="Write the signed receipt to this file, as JSON."
)
@click.option(
    "--verify", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Check the signature of a receipt."
)
@click.option("--asked", is_flag=True, hidden=True)
@click.option("--new-key", is_flag=True, help="Print a key for GTM_PRIVACY_KEY.")
def erase(
    home: Path | None,
    person: str | None,
    reason: str | None,
    yes: bool,
    plan_id: str | None,
    receipt: Path | None,
    verify: Path | None,
    asked: bool,
    new_key: bool,
) -> None:
    """Erase PERSON everywhere: an address, a customer's id, or a record such as hubspot:123.

    First it prints a plan: in which tables, files and systems, and how many rows. --yes, or --plan with its id, carries
    it out. Called again after a crash it finishes. The person does not come back with the next sync; the receipt says
    what others have to do. Without arguments it lists erasures.

    \b
    Example:
      gtm erase jane@acme.com --reason "Request 17"
      gtm erase --plan 5f0c9a2b11d4 --receipt jane.json
      gtm erase --verify jane.json
    """
    if new_key:
        from gtm_platform.privacy.seal import new_key as make_key

        click.echo(make_key())
        return
    if person and not reason:
        raise click.UsageError("Say why, for the record: --reason.")
    if person and plan_id:
        raise click.UsageError("Give either a person, or the id of a plan.")
    enter_with_sandbox(choose_home(home) if asked else choose_home(home).announce())
    from gtm_platform.cli import erasing

    if asked:
        erasing.asked()
    elif verify:
        sys.exit(erasing.verify(verify))
    elif person:
        erasing.plan(person, str(reason), receipt, at_once=yes)
    elif plan_id:
        erasing.carry_out_plan(plan_id, receipt)
    else:
        erasing.list_erasures()


@click.command()
@HOME
@click.argument("person")
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A new folder, for JSON and a CSV file for each table.",
)
def export(home: Path | None, person: str, folder: Path) -> None:
    """Write everything that is known of PERSON to files.

    PERSON is an address, a customer's id, or a record such as hubspot:123. Others may be named in it, as in notes of a
    call with several people: look through it before you hand it out.

    \b
    Example:
      gtm export jane@acme.com --to /tmp/jane
    """
    choose_home(home).announce().enter()
    from gtm_platform.cli.erasing import export_to

    export_to(person, folder)
