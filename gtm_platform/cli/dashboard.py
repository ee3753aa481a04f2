"""`gtm dashboard`: the dashboard alone, without Dagster."""

import os
import signal
from contextlib import suppress

import click

from gtm_platform.cli.homes import Home
from gtm_platform.cli.ui import ENDINGS, is_free
from gtm_platform.dashboard.process import address, free_port, serving_dashboard


def serve_dashboard(home: Home, port: int | None) -> int:
    """Serve it until it ends or Ctrl-C is pressed."""
    for ending in ENDINGS:
        signal.signal(ending, signal.default_int_handler)
    if port is not None and not is_free(port):
        raise ValueError(f"Port {port} is taken; use another: gtm dashboard --port {port + 1}")
    chosen = port or free_port()
    log = home.path / "dashboard.log"
    with suppress(KeyboardInterrupt), serving_dashboard(chosen, _environment(home), log) as process:
        click.echo(f"Dashboard   {address(chosen)}   (up in a few seconds; what it logs: dashboard.log in the home)")
        click.echo("Ctrl-C ends it.")
        return process.wait()
    return 0


def _environment(home: Home) -> dict[str, str]:
    """Return the variables; in a home of the demo the time is that of its sandbox."""
    clock = home.path / "sandbox" / "clock.json"
    return {"GTM_SANDBOX_CLOCK": str(clock), **os.environ} if home.is_demo else dict(os.environ)
