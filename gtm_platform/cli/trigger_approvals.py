"""What `gtm trigger approve` does: approving changes that were held back, and listing those that wait for it."""

from contextlib import closing
from datetime import timedelta

import click

from gtm_platform.cli.printing import Rows, print_rows
from gtm_platform.policy import policy
from gtm_platform.settings import settings
from gtm_platform.state import audit, open_state
from gtm_platform.state import trigger_stops as stops
from gtm_platform.state.trigger_stops import Stop

COLUMNS = ("subscription", "day", "messages", "held back", "approved")


def approve_changes(subscription: str, by: str, reason: str) -> None:
    """Approve what was held back of a subscription, and keep who did so and why."""
    config = settings()
    now = config.now()
    until = now + timedelta(hours=policy().triggers.approval.hours)
    with closing(open_state(config.state_url)) as state, state.writing() as tx:
        stop = stops.approve(tx, subscription, by, reason, now, until)
        detail = {"messages": stop.messages, "reason": reason}
        audit.note(tx, now, by, "trigger.approve", stop.subscription_id, detail)
    click.echo(
        f"The next run sends the changes for {stop.subscription_id}, {stop.messages:,} when they were held back, until "
        f"{until:%Y-%m-%d %H:%M} UTC. Now: gtm run delivery/webhooks"
    )


def print_waiting() -> None:
    """List what was held back and that no run has sent since."""
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        waiting = stops.waiting(tx)
    print_rows(Rows(COLUMNS, [_row(each) for each in waiting]), None)


def _row(each: Stop) -> tuple[object, ...]:
    approved = f"by {each.approved_by} until {each.approved_until:%Y-%m-%d %H:%M}" if each.approved_until else "no"
    return each.subscription_id, each.day, each.messages, f"{each.at:%Y-%m-%d %H:%M}", approved
