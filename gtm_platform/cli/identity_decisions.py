"""`gtm why` and `gtm identity merge|split|undo|decisions`: what they print. What they do stands in `identity`."""

import getpass
import json

import click

from gtm_platform.identity import deciding, links
from gtm_platform.identity.decisions import decisions_of_home
from gtm_platform.identity.explanation import explain
from gtm_platform.identity.references import newest_day
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.state.identity_decisions import Decision


def print_why(first: str, second: str | None, day: str | None, *, as_json: bool) -> None:
    """Print why somebody is one customer, or why two are the same or are not."""
    import gtm_platform.definitions  # noqa: F401  declares the tables

    explanation = explain(the_lake(), first, second, day)
    if as_json:
        answer = {"answer": explanation.answer, "reasons": explanation.reasons, **explanation.facts}
        click.echo(json.dumps(answer, default=str, indent=2))
    else:
        click.echo(explanation.text())


def decide(kind: str, first: str, second: str, who: str | None, reason: str) -> None:
    """Keep a decision, and say from when it counts."""
    lake = the_lake()
    day = newest_day(lake)
    rule = deciding.merge if kind == "merge" else deciding.split
    decision = rule(lake, first, second, day, who or getpass.getuser(), reason)
    click.echo(f"Decision {decision.id}: {decision.first_record} and {decision.second_record} {_verdict(decision)}.")
    _say_when(day)


def undo(number: int, who: str | None, reason: str) -> None:
    """Take a decision back, and say from when that counts."""
    decision = deciding.undo(number, who or getpass.getuser(), reason)
    click.echo(f"Taken back: decision {number}, that {' and '.join(decision.records)} {_verdict(decision)}.")
    _say_when(newest_day(the_lake()))


def list_decisions() -> None:
    """Print every decision, those included that were taken back."""
    decisions = decisions_of_home()
    if not decisions:
        click.echo("Nobody has decided anything yet: `gtm identity merge` and `gtm identity split` do.")
    for each in decisions:
        click.echo(
            f"{each.id:>4}  {each.at:%Y-%m-%d}  {each.kind:<5}  {each.first_record}  {each.second_record}  "
            f"{each.decided_by}: {each.reason}"
        )
        if each.undone_at:
            click.echo(f"      taken back {each.undone_at:%Y-%m-%d} by {each.undone_by}: {each.undone_reason}")


def _verdict(decision: Decision) -> str:
    return "are the same" if decision.kind == "merge" else "are not the same"


def _say_when(day: str) -> None:
    click.secho(
        f"It counts from the next daily run on. At once: gtm run {links.TABLE.key}+ --partition {day}", dim=True
    )
