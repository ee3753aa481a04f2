"""What `gtm hooks` prints."""

from contextlib import closing

import click

from gtm_platform.ingest.hooks.hook import Hook, discover_hooks, public_url
from gtm_platform.serving.answers.hooks import REFUSALS, HookState, hooks_now
from gtm_platform.serving.answers.hot_path import hot_path_now
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform.state.hook_events import newest

EVENTS_SHOWN = 10
COLOURS = {"on": "green", "off": "yellow", "silent": "red", "refused": "red"}


def list_hooks() -> None:
    """Print a line for each hook, and what is wrong or to be set."""
    with closing(open_state(settings().state_url)) as state:
        states = hooks_now(state, settings().now())
        hot_path = hot_path_now(state, settings().now())
    click.echo(f"{'HOOK':<10} {'STATE':<8} {'LAST EVENT':<17} {'14 DAYS':>8} {'REFUSED':>8} {'WAITING':>8}  READS")
    for hook in states:
        last = f"{hook.last_event_at:%Y-%m-%d %H:%M}" if hook.last_event_at else "–"
        click.echo(f"{hook.name:<10} ", nl=False)
        click.secho(f"{_word(hook):<8}", fg=COLOURS[_word(hook)], nl=False)
        click.echo(f" {last:<17} {hook.accepted:>8,} {hook.refused:>8,} {hook.waiting:>8,}  {hook.source}")
        if hook.trouble or hook.missing:
            click.echo(f"{'':<11}{hook.about}")
    click.echo(
        f"\nReceived by `gtm serve` at {public_url()}/webhooks/NAME. `gtm hooks show NAME` says where to register."
    )
    click.secho(f"Hot path: {hot_path.about}", fg="red" if hot_path.is_stopped else None)
    for cause, number in sorted(hot_path.left.items(), key=lambda item: -item[1]):
        click.echo(f"{number:>10,} left to the daily tables: {cause}")
    if not settings().gtm_public_url:
        click.secho("GTM_PUBLIC_URL is not set: no system can reach this address.", fg="yellow", err=True)


def show_hook(name: str) -> None:
    """Print all that is known of a hook."""
    hook = _named(name)
    with closing(open_state(settings().state_url)) as state:
        [shown] = hooks_now(state, settings().now(), [hook])
        with state.reading() as tx:
            events = newest(tx, hook.name, EVENTS_SHOWN)
    lines = {
        "address": hook.address,
        "state": shown.about,
        "secret": f"{hook.secret}; several, separated by commas, while one replaces another",
        "register": hook.setup,
        "choose": hook.topics,
        "repeats": hook.repeats,
        "reads": f"the open window of {hook.source}",
    }
    if hook.keeps_bodies:
        lines["keeps"] = "what is sent, encrypted with GTM_ENCRYPTION_KEY, until its window has landed for some days"
    for label, text in lines.items():
        click.echo(f"{label:<9} {text}")
    for outcome, number in sorted(shown.refusals.items(), key=lambda item: -item[1]):
        click.echo(f"{'refused':<9} {number:,} in 14 days: {REFUSALS[outcome]}")
    for event in events:
        read = f"read {event['read_at']:%H:%M}" if event["read_at"] else "waits"
        about = event["streams"] or ", ".join(event["touched"]) or "nothing that is read"
        click.echo(f"{event['received_at']:%Y-%m-%d %H:%M:%S}  {event['kind']:<32} {read:<11} {about}")


def _word(hook: HookState) -> str:
    return hook.trouble or ("on" if hook.is_on else "off")


def _named(name: str) -> Hook:
    hooks = {hook.name: hook for hook in discover_hooks()}
    if name not in hooks:
        raise ValueError(f"There is no hook {name!r}; there are {', '.join(hooks)}.")
    return hooks[name]
