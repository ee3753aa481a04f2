"""`gtm accounts`: the accounts that a home belongs to, and letting go of one."""

import click

from gtm_platform.accounts import accounts_of_home, forget_account_of_home
from gtm_platform.settings import settings


def list_accounts() -> None:
    """Print the pinned accounts."""
    accounts = accounts_of_home()
    if not accounts:
        click.echo("No account yet: the first one of each system that is used becomes this home's.")
    for account in accounts:
        click.echo(f"{account.system:<10} {account.label}, since {account.pinned_at:%Y-%m-%d}")


def forget_account(system: str, *, confirmed: bool) -> None:
    """Let go of a system's account, once a person has confirmed it."""
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
