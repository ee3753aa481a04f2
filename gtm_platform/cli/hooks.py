"""`gtm hooks …`: the webhooks that can be received, how each is switched on, and what came of it."""

from pathlib import Path

import click

from gtm_platform.cli.homes import choose_home
from gtm_platform.cli.options import HOME, HomeAnywhere


@click.group(cls=HomeAnywhere, invoke_without_command=True)
@HOME
@click.pass_context
def hooks(ctx: click.Context, home: Path | None) -> None:
    """List the webhooks: on or off, when each came last, what was refused, what to set.

    A webhook makes a source be read within a minute or two instead of at the end of its window. None is needed: the
    schedule reads the same. They are received by `gtm serve`, at /webhooks/NAME; docs/webhooks.md says how each is
    registered in its system.

    \b
    Example:
      gtm hooks
      gtm hooks show NAME
      gtm hooks key
      gtm hooks hot
    """
    choose_home(home).announce().enter()
    if ctx.invoked_subcommand is None:
        from gtm_platform.cli.hook_states import list_hooks

        list_hooks()


@hooks.command()
@click.argument("name")
def show(name: str) -> None:
    """Show a webhook: its address, where to register it, what to set, its newest events.

    Events are shown by kind and id; what was sent is not shown.

    \b
    Example:
      gtm hooks show NAME
    """
    from gtm_platform.cli.hook_states import show_hook

    show_hook(name)


@hooks.command()
def key() -> None:
    """Make a key for GTM_ENCRYPTION_KEY and print it.

    What only sends and cannot be asked is kept encrypted until it has landed. To
    replace a key, put the new one before the present one, with a comma between, and take the old one out two weeks
    later.

    \b
    Example:
      gtm hooks key | sed 's/^/GTM_ENCRYPTION_KEY=/' >> .env
    """
    from gtm_platform.ingest.hooks.bodies import new_key

    click.echo(new_key())


@hooks.command()
def hot() -> None:
    """Follow webhooks at once, until Ctrl-C: whom they touch gets new values in the CRM within seconds.

    It reads the open window of the source, computes the rows of the customers that it touches by the rules of the daily
    tables, and delivers what changed to their contacts. What it cannot know is left to the daily tables,
    which do all of it again anyway; `gtm hooks` counts it. docs/webhooks.md has more.

    \b
    Example:
      gtm hooks hot
    """
    from gtm_platform.cli.hot_path import follow_hooks

    follow_hooks()


@hooks.command()
@click.option("--reason", required=True, help="Why, for those who wonder.")
def stop(reason: str) -> None:
    """Stop the hot path, in whichever process it runs; the daily tables and deliveries go on.

    \b
    Example:
      gtm hooks stop --reason "the CRM is being cleaned up"
    """
    from gtm_platform.cli.hot_path import turn

    turn(is_on=False, reason=reason)


@hooks.command()
@click.option("--reason", required=True, help="Why it may run again: what was mended.")
def resume(reason: str) -> None:
    """Switch the hot path on again, after somebody or a check stopped it.

    \b
    Example:
      gtm hooks resume --reason "the rule was mended"
    """
    from gtm_platform.cli.hot_path import turn

    turn(is_on=True, reason=reason)
