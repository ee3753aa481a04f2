"""What `gtm hubspot truth`, `rejected` and `why` print."""

from contextlib import closing
from datetime import datetime

import click
import sqlalchemy as sa

from gtm_platform.cli.printing import Rows, print_rows
from gtm_platform.intelligence.effect.shown_lake import shown
from gtm_platform.settings import settings
from gtm_platform.state import audit, hubspot_rejections, hubspot_sweeps, open_state
from gtm_platform.state.hubspot_rejections import Rejection

COLUMNS = ("id", "object", "of", "attempts", "since", "next try", "reason")


def print_truth() -> None:
    """Print the share of the newest day, and each type of objects."""
    from gtm_platform.delivery.hubspot.truth import text
    from gtm_platform.delivery.hubspot.truth_table import true_share

    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        every = hubspot_sweeps.sweeps(tx)
    newest = [sweep for sweep in every if sweep.day == every[0].day]
    share = true_share(newest)
    if share is not None:
        click.echo(f"{share:.2%} of what is wanted on {newest[0].day} is true in HubSpot.")
    click.echo(text(newest))


def print_rejections() -> None:
    """List what is refused."""
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        refused = hubspot_rejections.rejections(tx)
    print_rows(Rows(COLUMNS, [_row(each) for each in refused]), None)


def _row(each: Rejection) -> tuple[object, ...]:
    next_try = f"dismissed by {each.dismissed_by}" if each.dismissed_at else f"{each.retry_at:%Y-%m-%d %H:%M}"
    place = f"{each.object_type}:{each.object_id}"
    return each.id, place, each.subject_id, each.attempts, f"{each.first_at:%Y-%m-%d}", next_try, each.reason


def retry_rejection(number: int, by: str) -> None:
    """Let the next run send one again."""
    now = settings().now()
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        subject = _decided(tx, hubspot_rejections.retry(tx, number, now), "hubspot.retry", by, now)
    click.echo(f"{subject} is sent again by the next delivery.")


def dismiss_rejection(number: int, by: str) -> None:
    """Let no run send one again while its values stay the same."""
    now = settings().now()
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        subject = _decided(tx, hubspot_rejections.dismiss(tx, number, by, now), "hubspot.dismiss", by, now)
    click.echo(f"{subject} is not sent again until its values change.")


def _decided(tx: sa.Connection, refused: Rejection, action: str, by: str, now: datetime) -> str:
    """Note a decision in the audit trail, and return what it is about."""
    subject = f"{refused.object_type} {refused.object_id}"
    audit.note(tx, now, by, action, subject, {"rejection": refused.id, "attempts": refused.attempts})
    return subject


def print_why(reference: str, name: str) -> None:
    """Explain a value."""
    from gtm_platform.definitions import defs
    from gtm_platform.delivery.hubspot.why import Subject, why
    from gtm_platform.lake.dagster.resource import the_lake
    from gtm_platform.orchestration.instance import instance
    from gtm_platform.orchestration.source_columns import SourceColumns

    subject = Subject.of(reference, name)
    with instance() as opened:
        click.echo(why(shown(the_lake()), subject, SourceColumns(opened, defs.resolve_asset_graph())))
