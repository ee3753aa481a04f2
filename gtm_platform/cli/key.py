"""`gtm key …`: the keys that a home is encrypted with. What is encrypted and how stands in `privacy.at_rest`."""

from pathlib import Path

import click

from gtm_platform.cli.homes import choose_home
from gtm_platform.cli.options import HOME


@click.group()
def key() -> None:
    """Make the keys that a home is encrypted with, and change from one to another.

    Keys stand in GTM_KEYS, each with a name, the newest first: k2:KEY,k1:KEY. The first encrypts, the others still
    decrypt. `gtm doctor` says what is encrypted with which. docs/encryption.md has more.

    \b
    Example:
      gtm key new k1
      gtm key rotate
    """


@key.command()
@click.argument("name")
def new(name: str) -> None:
    """Make a key, and print it with its name as an entry of GTM_KEYS.

    Keep it where your other secrets are: without it nobody can read the home or a backup of it again.

    \b
    Example:
      gtm key new k1 | sed 's/^/GTM_KEYS=/' >> .env
    """
    from gtm_platform.keyring import new_key

    click.echo(new_key(name))


@key.command()
@HOME
@click.option("--at-once", is_flag=True, help="Remove what was replaced at once; only where nothing else runs.")
def rotate(home: Path | None, at_once: bool) -> None:
    """Write what is not under the first key of GTM_KEYS anew with it, while everything runs.

    So an existing home is encrypted, a key is replaced, and, with GTM_KEYS=plain,k1:KEY, encryption is ended. It may be
    stopped at any time, and goes on where it ended. Queries may still read what was replaced for some hours: call it
    again after that, and it says which keys nothing is encrypted with any more.

    \b
    Example:
      gtm key rotate
      gtm key rotate --at-once
    """
    choose_home(home).announce().enter()
    from gtm_platform.cli.key_rotation import rotate_home

    rotate_home(at_once=at_once)
