"""What `gtm canary` does: planting and removing canaries, and listing what the stages saw of them."""

from contextlib import closing

import click

from gtm_platform.cli.printing import Rows, print_rows
from gtm_platform.delivery.canaries.asset import watch
from gtm_platform.delivery.canaries.life import NONE, bear, end_now, perform_due
from gtm_platform.delivery.canaries.stages import SEEN, failing
from gtm_platform.delivery.canaries.systems import off_reason, open_systems
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.policy import policy
from gtm_platform.settings import settings
from gtm_platform.state import State, audit, open_state

COLUMNS = ("canary", "act", "day", "stage", "state", "expected by", "seen at")


def print_stages(*, every: bool) -> None:
    """Print the stages that have not seen something, or all."""
    config = settings()
    with closing(open_state(config.state_url)) as state:
        stages = watch(the_lake(), state, config.now())
    if not stages:
        click.echo("No canary has done anything yet." if policy().canaries.domains else NONE)
        return
    shown = [each for each in stages if every or each.state != SEEN]
    rows = [
        (each.canary, each.act, each.day, each.stage, each.state, _moment(each.expected_by), _moment(each.seen_at))
        for each in shown
    ]
    print_rows(Rows(COLUMNS, rows), None)
    for stage, each in failing(stages).items():
        click.secho(f"{stage}: {each.about}", fg="red", err=True)


def plant_canary(by: str) -> None:
    """Make a canary now, and keep who did so."""
    rules, config = policy().canaries, settings()
    if not rules.domains:
        raise ValueError(NONE)
    if off := off_reason():
        raise ValueError(f"Canaries are made in Intercom: {off}.")
    with closing(open_state(config.state_url)) as state:
        name = bear(state, rules, config.now())
        with state.writing() as tx:
            audit.note(tx, config.now(), by, "canary.plant", name, {})
        _perform(state)
    click.echo(f"{name} signed up. `gtm canary list --all` shows who has seen it; gtm canary remove {name}")


def remove_canary(name: str, by: str) -> None:
    """Take a canary away, and keep who did so."""
    config = settings()
    if off := off_reason():
        raise ValueError(f"Canaries are archived in Intercom: {off}.")
    with closing(open_state(config.state_url)) as state:
        end_now(state, name, config.now())
        with state.writing() as tx:
            audit.note(tx, config.now(), by, "canary.remove", name, {})
        _perform(state)
    click.echo(f"{name} was taken away. What tables have of it stays hidden, and goes with its records.")


def _perform(state: State) -> None:
    with open_systems() as systems:
        failures = perform_due(systems, state, settings().now())
    if failures:
        raise ValueError(" ".join(failures))


def _moment(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""
