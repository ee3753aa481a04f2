"""`gtm dashboard`: the dashboard alone, without Dagster."""

import os
from contextlib import suppress

import click

from gtm_platform.cli.homes import Home
from gtm_platform.cli.processes import child_process, end_in_order, free_port, refuse_taken
from gtm_platform.dashboard.process import HOST, USUAL_PORT, address, command


def serve_dashboard(home: Home, port: int | None, host: str = HOST) -> int:
    """Serve it until it ends or Ctrl-C is pressed."""
    end_in_order()
    if port is not None:
        refuse_taken(port, "gtm dashboard --port")
    chosen = port or free_port(USUAL_PORT)
    log = home.path / "dashboard.log"
    pages = command(chosen, host)
    with suppress(KeyboardInterrupt), child_process("The dashboard", pages, _environment(home), log) as child:
        click.echo(f"Dashboard   {address(chosen)}   (up in a few seconds; what it logs: dashboard.log in the home)")
        click.echo("Ctrl-C ends it.")
        code = child.process.wait()
        click.secho(child.ending(), fg="red", err=True)
        return code
    return 0


def _environment(home: Home) -> dict[str, str]:
    """Return the variables; in a home of the demo the time is that of its sandbox."""
    clock = home.path / "sandbox" / "clock.json"
    return {"GTM_SANDBOX_CLOCK": str(clock), **os.environ} if home.is_demo else dict(os.environ)
