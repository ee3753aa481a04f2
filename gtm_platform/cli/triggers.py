"""`gtm trigger …`: who is sent which changes. What a subscription is stands in `delivery/triggers`."""

import getpass
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gtm_platform.cli.homes import choose_home, enter_with_sandbox
from gtm_platform.cli.options import HOME, moment

if TYPE_CHECKING:
    from gtm_platform.delivery.triggers.subscribing import Subscribing

SUBSCRIPTION = click.argument("subscription")
STYLE = click.option("--style", type=click.Choice(["table", "vertical", "json", "csv"]), help="[default: what fits]")


@click.group()
def trigger() -> None:
    """Send changes of customers and companies to other programs, as signed webhooks.

    A subscription has an address, the kinds of changes that it asks for, and whom they are about. Messages follow the
    specification Standard Webhooks; docs/triggers.md says how to verify one, and what stands in it.

    \b
    Example:
      gtm trigger add https://hooks.acme.com/gtm --on health_status --where "mrr>=500"
      gtm trigger list
    """


@trigger.command()
@HOME
@click.argument("url")
@click.option(
    "--on",
    "kinds",
    multiple=True,
    help="Kind of change; may be repeated: customer_status, health_status, health_score, churn_risk, risk_signals, "
    "cohort, market_signals.  [default: all]",
)
@click.option(
    "--where",
    "where",
    multiple=True,
    help="Only about some: tier=…, am=…, cohort=…, mrr>=…; of the same field any may hold, of different ones all.",
)
@click.option("--personal", is_flag=True, help="Send name and e-mail address, too; without it ids only.")
@click.option("--from-beginning", is_flag=True, help="Begin with how everybody stands; without it with what changes.")
def add(
    home: Path | None, url: str, kinds: tuple[str, ...], where: tuple[str, ...], personal: bool, from_beginning: bool
) -> None:
    """Subscribe URL to changes, and print the secret that signs them, this once: it is kept nowhere.

    The first delivery notes how everybody stands, and what changes afterwards is sent. `gtm trigger remove` takes it
    back.

    \b
    Example:
      gtm trigger add https://hooks.acme.com/gtm --on health_status --on churn_risk --where tier=enterprise
      gtm trigger add https://hooks.acme.com/all --from-beginning --personal
    """
    with _deeds(home) as deeds:
        subscription, secret = deeds.add(url, kinds, where, personal=personal, whole=from_beginning)
    click.echo(subscription.id)
    click.echo(secret)
    click.secho(
        f"{', '.join(subscription.kinds)}{_filters(subscription.filters)}. The secret is not shown again; "
        f"gtm trigger test {subscription.id} sends a message that says nothing.",
        err=True,
    )


@trigger.command("list")
@HOME
@click.option("--all", "everything", is_flag=True, help="With those that were removed.")
@STYLE
def list_(home: Path | None, everything: bool, style: str | None) -> None:
    """List the subscriptions: what each asks for, whether it is active, and what became of its messages.

    \b
    Example:
      gtm trigger list
      gtm trigger list --all --style json
    """
    from gtm_platform.cli.printing import Rows, print_rows

    with _deeds(home) as deeds:
        from gtm_platform.state.trigger_outbox import counts
        from gtm_platform.state.trigger_subscriptions import REMOVED, all_subscriptions

        with deeds.state.reading() as tx:
            subscribed, number = all_subscriptions(tx), counts(tx)
    shown = [each for each in subscribed if everything or each.status != REMOVED]
    if not shown:
        click.echo("Nobody has subscribed: `gtm trigger add URL` does.")
        return
    columns = ("id", "status", "delivered", "waiting", "dead", "asks for", "address", "why")
    rows = [
        (
            *(each.id, each.status),
            *(number.get((each.id, status), 0) for status in ("delivered", "waiting", "dead")),
            *(f"{', '.join(each.kinds)}{_filters(each.filters)}", _bare(each.address), each.reason),
        )
        for each in shown
    ]
    print_rows(Rows(columns, rows), style)


@trigger.command()
@HOME
@SUBSCRIPTION
def test(home: Path | None, subscription: str) -> None:
    """Send a signed message that says nothing, now, and print what the receiver answered.

    \b
    Example:
      gtm trigger test sub_1f0c9a2b3c4d
    """
    with _deeds(home) as deeds:
        status = deeds.test(subscription)
    click.echo(f"The receiver answered {status}: it took the message.")


@trigger.command()
@HOME
@SUBSCRIPTION
@click.option("--message", "message_id", default="", help="Only this one, such as msg_1f0c….")
@click.option("--since", metavar="ISO", help="All since a moment, those included that were taken.")
def replay(home: Path | None, subscription: str, message_id: str, since: str | None) -> None:
    """Send messages again, with the ids that they had; by default those that are tried no more.

    They go out within a minute where the Dagster daemon runs, else with the next delivery.

    \b
    Example:
      gtm trigger replay sub_1f0c9a2b3c4d
      gtm trigger replay sub_1f0c9a2b3c4d --since 2026-11-20T08:00
    """
    if message_id and since:
        raise click.UsageError("Give either --message or --since, not both.")
    with _deeds(home) as deeds:
        again = deeds.replay(subscription, message_id=message_id, since=moment(since) if since else None)
    click.echo(f"{_messages(again)} will be sent again.")


@trigger.command()
@HOME
@SUBSCRIPTION
def pause(home: Path | None, subscription: str) -> None:
    """Send nothing for now.

    What changes meanwhile is sent after `gtm trigger resume`, in one message for each customer.

    \b
    Example:
      gtm trigger pause sub_1f0c9a2b3c4d
    """
    with _deeds(home) as deeds:
        deeds.change_status(subscription, "paused")
    click.echo(f"Paused: {subscription}. gtm trigger resume {subscription} goes on.")


@trigger.command()
@HOME
@SUBSCRIPTION
def resume(home: Path | None, subscription: str) -> None:
    """Go on after a pause, after it was switched off, or after it was removed, and send what was missed.

    \b
    Example:
      gtm trigger resume sub_1f0c9a2b3c4d
    """
    with _deeds(home) as deeds:
        again = deeds.change_status(subscription, "active")
    click.echo(f"Active: {subscription}." + (f" {_messages(again)} that it missed will be sent." if again else ""))


@trigger.command()
@HOME
@click.argument("subscription", required=False)
@click.option("--reason", help="Why it is right; it is kept with your name.")
@click.option("--by", default=getpass.getuser, help="Who approves it.  [default: who is logged in]")
def approve(home: Path | None, subscription: str | None, reason: str | None, by: str) -> None:
    """Approve changes that were held back, as they were more at once than the policy lets through.

    Without a subscription those that wait are listed. The next run sends them, once, with no more messages than
    approved and a margin, until the approval ends (triggers.approval in the policy).

    \b
    Example:
      gtm trigger approve
      gtm trigger approve sub_1f0c9a2b3c4d --reason "the plans were renamed"
    """
    if subscription and not (reason or "").strip():
        raise click.UsageError("Say why with --reason: it is kept with the approval.")
    choose_home(home).announce().enter()
    from gtm_platform.cli.trigger_approvals import approve_changes, print_waiting

    if subscription and reason:
        approve_changes(subscription, by, reason.strip())
    else:
        print_waiting()


@trigger.command()
@HOME
@SUBSCRIPTION
def remove(home: Path | None, subscription: str) -> None:
    """End a subscription. `gtm trigger resume` takes it back.

    \b
    Example:
      gtm trigger remove sub_1f0c9a2b3c4d
    """
    with _deeds(home) as deeds:
        deeds.change_status(subscription, "removed")
    click.echo(f"Removed: {subscription}. gtm trigger resume {subscription} takes it back.")


@trigger.command()
@HOME
@SUBSCRIPTION
@click.option("--hours", type=click.IntRange(0, 720), default=24, show_default=True, help="The old one signs, too.")
def rotate(home: Path | None, subscription: str, hours: int) -> None:
    """Make a new secret and print it, this once; for some hours messages are signed with both.

    After a leak: --hours 0, which ends the old one at once.

    \b
    Example:
      gtm trigger rotate sub_1f0c9a2b3c4d --hours 48
    """
    with _deeds(home) as deeds:
        secret = deeds.rotate(subscription, timedelta(hours=hours))
    click.echo(secret)
    click.secho(f"It is not shown again. Messages are signed with the old one, too, for {hours} hours.", err=True)


@trigger.command()
@HOME
@click.argument("subscription", required=False, default="")
@click.option("--status", type=click.Choice(["waiting", "delivered", "dead"]), help="Only these.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many of the newest.")
@STYLE
def deliveries(home: Path | None, subscription: str, status: str | None, limit: int, style: str | None) -> None:
    """List messages, of a subscription or of all, the newest first: what became of each, and why.

    \b
    Example:
      gtm trigger deliveries
      gtm trigger deliveries sub_1f0c9a2b3c4d --status dead
    """
    from gtm_platform.cli.printing import Rows, print_rows

    with _deeds(home) as deeds:
        from gtm_platform.state.trigger_outbox import newest

        with deeds.state.reading() as tx:
            messages = newest(tx, limit, subscription, status or "")
    columns = ("message", "subscription", "type", "subject", "day", "status", "attempts", "next", "error")
    rows = [
        (
            *(each.message_id, each.subscription_id, each.type, each.subject_id, each.day, each.status, each.attempts),
            *(_minute(each.due_at) if each.status == "waiting" else "", each.error or ""),
        )
        for each in messages
    ]
    print_rows(Rows(columns, rows), style)


@contextmanager
def _deeds(home: Path | None) -> "Iterator[Subscribing]":
    enter_with_sandbox(choose_home(home).announce())
    from gtm_platform.delivery.triggers.settings import TriggerSettings
    from gtm_platform.delivery.triggers.subscribing import Subscribing
    from gtm_platform.policy import policy
    from gtm_platform.settings import settings, settings_of
    from gtm_platform.state import open_state

    with closing(open_state(settings().state_url)) as state:
        own = settings_of(TriggerSettings)
        yield Subscribing(state, own, policy().triggers, settings().now, getpass.getuser())


def _filters(filters: object) -> str:
    named = filters if isinstance(filters, dict) else {}
    texts = [f"{name}={'|'.join(values)}" for name, values in named.items()]
    return f" where {', '.join(texts)}" if texts else ""


def _bare(address: str) -> str:
    from gtm_platform.http.redaction import bare_url

    return bare_url(address)


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _messages(number: int) -> str:
    return f"{number:,} message{'' if number == 1 else 's'}"
