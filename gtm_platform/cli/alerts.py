"""`gtm alerts …`: what would be said in Slack, and what was. What an alert is stands in `delivery/alerts`."""

from datetime import datetime
from pathlib import Path

import click

from gtm_platform.cli.homes import choose_home
from gtm_platform.cli.options import HOME


@click.group()
def alerts() -> None:
    """Show the alerts of customers, and those of the platform.

    \b
    Example:
      gtm alerts preview
      gtm alerts list --kind health_drop
    """


@alerts.command()
@HOME
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="The day at whose end.  [default: the newest]")
@click.option("--kind", "kinds", multiple=True, help="Only this kind of alert; may be repeated.")
def preview(home: Path | None, day: datetime | None, kinds: tuple[str, ...]) -> None:
    """Print the messages that would be posted, and post nothing.

    Alerts that were sent are left out, as they would be: each fact is sent once.

    \b
    Example:
      gtm alerts preview
      gtm alerts preview --day 2026-11-20 --kind cancel_mention
    """
    choose_home(home).enter()
    import gtm_platform.definitions  # noqa: F401  declares the tables
    from gtm_platform.cli.alert_text import message_text
    from gtm_platform.delivery.alerts.customer_alerts import preview_messages
    from gtm_platform.delivery.alerts.kinds import routed
    from gtm_platform.delivery.gate import CUSTOMERS, newest_day
    from gtm_platform.intelligence.effect.shown_lake import shown
    from gtm_platform.lake.dagster.resource import the_lake

    _check_kinds(kinds, tuple(routed("customers")))
    lake = shown(the_lake())
    chosen = day.date().isoformat() if day else newest_day(lake)
    if chosen not in lake.partitions(CUSTOMERS):
        raise click.ClickException(f"{CUSTOMERS} has no day {chosen}.".replace(" day .", " day yet."))
    preview = preview_messages(lake, chosen, kinds)
    for message in preview.messages:
        click.echo(message_text(message))
        click.echo()
    count = "1 message" if len(preview.messages) == 1 else f"{len(preview.messages)} messages"
    wait = f"; {preview.waiting} alerts would wait for the end of quiet hours" if preview.waiting else ""
    click.echo(f"{count} for {chosen}{wait}. Nothing was sent.")


@alerts.command("list")
@HOME
@click.option("--kind", "kinds", multiple=True, help="Only this kind of alert; may be repeated.")
@click.option("--days", type=click.IntRange(1), default=14, show_default=True, help="How many of the newest days.")
@click.option("--style", type=click.Choice(["table", "vertical", "json", "csv"]), help="[default: what fits]")
def list_(home: Path | None, kinds: tuple[str, ...], days: int, style: str | None) -> None:
    """List the alerts that were sent, wait or were refused, the newest first.

    Subjects are ids: the journal names nobody.

    \b
    Example:
      gtm alerts list
      gtm alerts list --kind payment_failed --days 30 --style csv
    """
    choose_home(home).enter()
    from gtm_platform.cli.alert_text import journal_rows
    from gtm_platform.cli.printing import print_rows
    from gtm_platform.delivery.alerts.kinds import discover

    _check_kinds(kinds, tuple(discover()))
    print_rows(journal_rows(days, kinds), style)


def _check_kinds(kinds: tuple[str, ...], existing: tuple[str, ...]) -> None:
    if unknown := [kind for kind in kinds if kind not in existing]:
        raise click.ClickException(f"{', '.join(unknown)}: no such kind of alert; there are {', '.join(existing)}.")
