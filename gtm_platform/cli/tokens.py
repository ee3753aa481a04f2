"""`gtm token …`: the tokens of the API. What they look like and allow is `gtm_platform.serving.tokens`."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gtm_platform.cli.homes import choose_home
from gtm_platform.cli.options import HOME

if TYPE_CHECKING:
    from gtm_platform.state import State

READING = ("customers:read",)


@click.group()
def token() -> None:
    """Make, list and revoke the tokens of the API.

    A token allows what its scopes say: customers:read (without personal data), personal:read, sync:write, erase,
    audit:read. With a role of the policy it allows what both allow.

    \b
    Example:
      gtm token create --name "BI tool"
      gtm token list
    """


@token.command()
@HOME
@click.option("--name", required=True, help="What it is for, or whose it is.")
@click.option(
    "--scope", "scopes", multiple=True, default=READING, show_default=True, help="May be given several times."
)
@click.option("--days", type=int, default=90, show_default=True, help="Until it expires.")
@click.option("--role", help="A role of the policy's [access.roles], which narrows what the scopes allow.")
@click.option("--account-manager", metavar="NAME", help="Whose customers it sees, of a role that sees its own.")
def create(
    home: Path | None,
    name: str,
    scopes: tuple[str, ...],
    days: int,
    role: str | None,
    account_manager: str | None,
) -> None:
    """Make a token and print it, this once: only its hash is kept.

    \b
    Example:
      gtm token create --name Noor --scope customers:read --scope personal:read
      gtm token create --name cron --scope sync:write --days 365
      gtm token create --name Sam --scope customers:read --role account_manager --account-manager "Sam Lee"
    """
    choose_home(home).announce().enter()
    from gtm_platform.serving.tokens import create_token
    from gtm_platform.settings import settings
    from gtm_platform.state import audit

    with _state() as state:
        shown, kept = create_token(state, name, scopes, days, settings().now(), role, account_manager)
        detail = {"scopes": list(kept.scopes), "role": kept.role, "account_manager": kept.account_manager}
        with state.writing() as tx:
            audit.note(tx, kept.created_at, "gtm token", "token created", kept.id, detail)
    click.echo(shown)
    click.secho(f"{', '.join(kept.scopes)}; until {kept.expires_at:%Y-%m-%d}. It is not shown again.", err=True)


@token.command("list")
@HOME
def list_tokens(home: Path | None) -> None:
    """List the tokens: id, until when each may be used, scopes, role, name.

    \b
    Example:
      gtm token list
    """
    choose_home(home).announce().enter()
    from gtm_platform.settings import settings
    from gtm_platform.state.api_tokens import all_tokens

    with _state() as state, state.reading() as tx:
        tokens = all_tokens(tx)
    if not tokens:
        click.echo("No token yet: `gtm token create --name NAME` makes one.")
    for each in tokens:
        ended = f"revoked {each.revoked_at:%Y-%m-%d}" if each.revoked_at else f"until {each.expires_at:%Y-%m-%d}"
        expired = "" if each.revoked_at or each.is_valid(settings().now()) else " (expired)"
        click.echo(f"{each.id}  {ended}{expired}  {', '.join(each.scopes):<40} {each.role or '-':<16} {each.name}")


@token.command()
@HOME
@click.argument("token_id")
def revoke(home: Path | None, token_id: str) -> None:
    """End a token. A server that runs refuses it within half a minute.

    \b
    Example:
      gtm token revoke 1f0c9a2b3c4d
    """
    choose_home(home).announce().enter()
    from gtm_platform.settings import settings
    from gtm_platform.state import audit
    from gtm_platform.state.api_tokens import revoke_token

    now = settings().now()
    with _state() as state, state.writing() as tx:
        if not revoke_token(tx, token_id, now):
            raise ValueError(f"There is no token {token_id!r} that could be revoked; `gtm token list` lists them.")
        audit.note(tx, now, "gtm token", "token revoked", token_id, {})
    click.echo(f"Revoked: {token_id}.")


@contextmanager
def _state() -> "Iterator[State]":
    from gtm_platform.settings import settings
    from gtm_platform.state import open_state

    with closing(open_state(settings().state_url)) as state:
        yield state
