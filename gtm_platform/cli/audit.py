"""`gtm audit …`: whether the audit trail is whole, and what is in it. What it is stands in `state.audit`."""

import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gtm_platform.cli.homes import choose_home
from gtm_platform.cli.options import HOME

if TYPE_CHECKING:
    from gtm_platform.state import State

DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def audit() -> None:
    """Check and export the audit trail: who read whose personal data, and who did what.

    \b
    Example:
      gtm audit verify
      gtm audit export --to october.jsonl --since 2026-10-01 --until 2026-10-31
    """


@audit.command()
@HOME
@click.option("--head", "head_", metavar="COUNT:ID:HASH", help="A head that was noted elsewhere; may be an old one.")
def verify(home: Path | None, head_: str | None) -> None:
    """Check that no entry was changed, removed, moved or cut off; name the first that was.

    Each entry has the hash of the one before it. What is missing at the end shows by the heads in audit_anchors.jsonl
    of the home, to which each day adds one, and by --head. The head that is printed is worth noting on another machine:
    somebody who can write the state and the home can write both anew. The exit code is 1 where the trail is broken.

    \b
    Example:
      gtm audit verify
      gtm audit verify --head 5120:5120:9f2c...
    """
    choose_home(home).announce().enter()
    from gtm_platform.settings import settings
    from gtm_platform.state.audit import verify as verified
    from gtm_platform.state.audit_anchors import anchors_of, as_text, of_text

    anchors = [*anchors_of(settings().home), *([of_text(head_)] if head_ else [])]
    with _state() as state, state.reading() as tx:
        verdict = verified(tx, anchors)
    if verdict.broken is not None:
        click.secho(f"Broken at entry {verdict.broken}: {verdict.why}.", fg="red")
        click.echo(f"The {verdict.head.entries} entries before it are as they were written.")
        sys.exit(1)
    click.echo(f"{verdict.head.entries} entries are as they were written; {len(anchors)} earlier heads are among them.")
    if verdict.erased:
        click.echo(f"Of {verdict.erased} it was erased whom they are about; entries of the erasures list them.")
    click.echo(f"Head: {as_text(verdict.head)}")


@audit.command()
@HOME
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File to write, JSON lines.")
@click.option("--person", default="", metavar="ID", help="Only entries about a customer, or that showed them.")
@click.option("--actor", default="", help='Only what somebody did: "token 1f0c9a2b3c4d", or an address of a person.')
@click.option("--since", type=DAY, help="First day, by UTC.")
@click.option("--until", type=DAY, help="Last day, by UTC.")
def export(
    home: Path | None, to: Path, person: str, actor: str, since: datetime | None, until: datetime | None
) -> None:
    """Write entries of the audit trail to a file, a JSON object on each line, the oldest first.

    Each has its hash and that of the entry before it, so that a whole export can be verified without the platform.

    \b
    Example:
      gtm audit export --to everything.jsonl
      gtm audit export --to jane.jsonl --person cus_7f3a
      gtm audit export --to sam.jsonl --actor sam@acme.com --since 2026-11-01
    """
    choose_home(home).announce().enter()
    from gtm_platform.serving.viewer import actor_of
    from gtm_platform.state.audit import all_entries

    first = since.replace(tzinfo=UTC) if since else None
    end = until.replace(tzinfo=UTC) + timedelta(days=1) if until else None
    count = 0
    with _state() as state, state.reading() as tx, to.open("w", encoding="utf-8") as file:
        chosen = all_entries(
            tx, person=person, actor=actor_of(actor) if "@" in actor else actor, since=first, until=end
        )
        for row in chosen:
            file.write(json.dumps({**row, "at": row["at"].isoformat()}, ensure_ascii=False) + "\n")
            count += 1
    click.echo(f"{count} entries: {to}")


@contextmanager
def _state() -> "Iterator[State]":
    from gtm_platform.settings import settings
    from gtm_platform.state import open_state

    with closing(open_state(settings().state_url)) as state:
        yield state
