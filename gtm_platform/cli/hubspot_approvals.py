"""What `gtm hubspot approve` does: approving what a run stopped, and listing the runs that wait for it."""

from contextlib import closing
from datetime import timedelta

import click

from gtm_platform.cli.printing import Rows, print_rows
from gtm_platform.policy import policy
from gtm_platform.settings import settings
from gtm_platform.state import audit, open_state
from gtm_platform.state import hubspot_deliveries as deliveries
from gtm_platform.state.hubspot_deliveries import STOPPED, Delivery

COLUMNS = ("run", "object", "day", "changes", "creations", "approved")


def approve_run(run: str, by: str, reason: str) -> None:
    """Approve what a run stopped, and keep who did so and why."""
    config, rules = settings(), policy().hubspot
    now = config.now()
    until = now + timedelta(hours=rules.approval.hours)
    with closing(open_state(config.state_url)) as state, state.writing() as tx:
        approved = deliveries.approve(tx, run, by, reason, now, until)
        names = ", ".join(each.object_type for each in approved)
        audit.note(tx, now, by, "hubspot.approve", f"run {approved[0].run_id}", {"objects": names, "reason": reason})
    click.echo(f"The next delivery of {names} goes ahead, until {until:%Y-%m-%d %H:%M} UTC. Now: gtm hubspot apply")


def print_waiting() -> None:
    """List the runs that stopped and that no later one followed."""
    config = settings()
    with closing(open_state(config.state_url)) as state, state.reading() as tx:
        newest = deliveries.newest_of_each_type(tx).values()
    waiting = [each for each in newest if each.status == STOPPED and each.used_at is None]
    print_rows(Rows(COLUMNS, [_row(each) for each in waiting]), None)


def _row(each: Delivery) -> tuple[object, ...]:
    approved = f"by {each.approved_by} until {each.approved_until:%Y-%m-%d %H:%M}" if each.approved_until else "no"
    changes, creations = (each.counts.get(name, 0) for name in ("changes", "creations"))
    return each.run_id[:8], each.object_type, each.day, changes, creations, approved
