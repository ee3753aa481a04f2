"""`gtm enrich …`: buying facts of companies, what it would cost, and what was spent."""

from decimal import Decimal
from pathlib import Path

import click

from gtm_platform.cli.homes import choose_home, enter_with_sandbox
from gtm_platform.cli.options import HOME, HomeAnywhere

PROVIDER = click.option("--provider", help="Ask this one only.  [default: all that are switched on]")
SHOWN = 20  # companies of a dry run


@click.group(cls=HomeAnywhere, invoke_without_command=True)
@HOME
@PROVIDER
@click.option("--limit", type=click.IntRange(0), help="Ask about so many companies at most; 0 only collects answers.")
@click.option("--dry-run", is_flag=True, help="Only show who would be asked about, and what it may cost.")
@click.pass_context
def enrich(context: click.Context, home: Path | None, provider: str | None, limit: int | None, dry_run: bool) -> None:
    """Ask providers about the companies that lack facts, those first that pay most.

    Which facts are wanted, and how many credits a month may cost, is the policy's ([enrichment]). A company is not
    asked about again within the policy's age. Nothing is ever asked for by itself.

    \b
    Example:
      gtm enrich --dry-run
      gtm enrich --provider zoominfo --limit 50
      gtm enrich spend
    """
    if context.invoked_subcommand:
        return
    enter_with_sandbox(choose_home(home).announce())
    from gtm_platform.cli.enrich_runs import ask_providers, show_plan

    if dry_run:
        show_plan(provider, limit, SHOWN)
    else:
        context.exit(ask_providers(provider, limit))


@enrich.command("spend")
@HOME
@PROVIDER
def show_spend(home: Path | None, provider: str | None) -> None:
    """Show what was spent by month, and the calls of which nobody knows whether they were charged.

    Sources that are paid for by the call, such as Sumble, are among them.

    \b
    Example:
      gtm enrich spend
      gtm enrich spend --provider clay
    """
    choose_home(home).announce().enter()
    from gtm_platform.cli.enrich_runs import show_ledger

    show_ledger(provider)


@enrich.command("accuracy")
@HOME
def show_accuracy(home: Path | None) -> None:
    """Show how often each source was right about size, industry and country.

    Compared are companies of which at least two sources state the same fact.

    \b
    Example:
      gtm enrich accuracy
    """
    choose_home(home).announce().enter()
    from gtm_platform.cli.enrich_runs import show_accuracy_of_sources

    show_accuracy_of_sources()


@enrich.command()
@HOME
@click.argument("number", type=int)
@click.option("--charged", type=Decimal, help="So many credits were charged, by the provider's own account.")
@click.option("--released", is_flag=True, help="Nothing was charged.")
@click.option("--by", "person", required=True, help="Who says so.")
def settle(home: Path | None, number: int, charged: Decimal | None, released: bool, person: str) -> None:
    """Settle a call of which the platform does not know whether it was charged.

    NUMBER is shown by `gtm enrich spend`. The audit trail keeps who said so.

    \b
    Example:
      gtm enrich settle 17 --charged 3 --by sam@acme.com
      gtm enrich settle 17 --released --by sam@acme.com
    """
    if released == (charged is not None):
        raise click.UsageError("Give either --charged or --released.")
    if charged is not None and not 0 <= charged < 10**9:
        raise click.UsageError("--charged has to be a number of credits.")
    choose_home(home).announce().enter()
    from gtm_platform.cli.enrich_runs import settle_call

    click.echo(settle_call(number, charged, person))
