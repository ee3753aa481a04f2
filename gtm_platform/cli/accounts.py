"""`gtm accounts …`: the accounts that a home belongs to, and letting go of one. The rule is `gtm_platform.accounts`."""

from pathlib import Path

import click

from gtm_platform.cli.homes import choose_home
from gtm_platform.cli.options import HOME, HomeAnywhere


@click.group(cls=HomeAnywhere, invoke_without_command=True)
@HOME
@click.pass_context
def accounts(ctx: click.Context, home: Path | None) -> None:
    """List the accounts that the home belongs to.

    A home belongs to the first account of each system that it is used with: the HubSpot portal, the Stripe account
    and its mode, the Intercom workspace, the Slack workspace. Keys of another account are refused.

    \b
    Example:
      gtm accounts
      gtm accounts forget hubspot
    """
    choose_home(home).announce().enter()
    if ctx.invoked_subcommand is None:
        _list_accounts()


@accounts.command()
@click.argument("system")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def forget(system: str, yes: bool) -> None:
    """Let the home take whichever account of SYSTEM is used next.

    What was read from the old account stays in the lake, and would be mixed with the new one's. Another home is
    nearly always the better choice.

    \b
    Example:
      gtm accounts forget slack
    """
    _forget_account(system, confirmed=yes)


def _list_accounts() -> None:
    from gtm_platform.accounts import accounts_of_home

    accounts = accounts_of_home()
    if not accounts:
        click.echo("No account yet: the first one of each system that is used becomes this home's.")
    for account in accounts:
        click.echo(f"{account.system:<10} {account.label}, since {account.pinned_at:%Y-%m-%d}")


def _forget_account(system: str, *, confirmed: bool) -> None:
    from gtm_platform.accounts import accounts_of_home, forget_account_of_home
    from gtm_platform.settings import settings

    pinned = {account.system: account for account in accounts_of_home()}
    if system not in pinned:
        names = ", ".join(pinned) or "none"
        raise ValueError(f"This home has no account of {system!r} (it has: {names}).")
    if not confirmed:
        click.echo(
            f"{settings().home} belongs to {pinned[system].label}. What was read from it stays there, and would be "
            "mixed with what is read from another account."
        )
        click.confirm("Forget it all the same?", abort=True)
    forget_account_of_home(system)
    click.echo(f"Forgotten: {pinned[system].label}. The next account of {system} that is used becomes this home's.")
