"""`gtm sandbox …`: serving the made-up company, and moving its time. The sandbox itself is `gtm_platform.sandbox`."""

import os
import signal
import sys
import threading
from pathlib import Path

import click

from gtm_platform.cli.homes import choose_demo_home
from gtm_platform.cli.options import DEMO_HOME, PEOPLE, SANDBOX_PORT, SEED, moment


@click.group()
def sandbox() -> None:
    """All systems of a made-up company, on this machine.

    \b
    Example:
      gtm sandbox serve
      gtm sandbox day
    """


@sandbox.command()
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder in which its clock and what is written to it outlive a restart.  [default: nothing is kept]",
)
@click.option("--port", type=int, default=SANDBOX_PORT, show_default=True, help="Port; 0: a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address that it listens on, such as 0.0.0.0.")
@PEOPLE
@SEED
@click.option("--now", "now_", metavar="ISO", help="Stop the clock at this moment.  [default: it follows the real one]")
@click.option("--speed", type=click.FloatRange(1), default=1, help="Count rate limits so many times as fast.")
@click.option("--attached", is_flag=True, hidden=True, help="End when standard input does, with whoever started it.")
def serve(
    home: Path | None,
    port: int,
    host: str,
    people: int,
    seed: int,
    now_: str | None,
    speed: float,
    attached: bool,
) -> None:
    """Serve the sandbox until Ctrl-C. Its front page says what can be done with it.

    \b
    Example:
      gtm sandbox serve
      gtm sandbox serve --people 200 --seed 3 --port 0
    """
    from gtm_platform.sandbox.kit.limits import WINDOWS
    from gtm_platform.sandbox.server import serve as run

    if attached:
        threading.Thread(target=_end_with_input, daemon=True).start()
    WINDOWS.times = speed
    now = moment(now_) if now_ else None
    run(port=port, people=people, seed=seed, now=now, home=home, host=host)


def _end_with_input() -> None:
    """However the other end of the pipe goes, also by a kill -9, the kernel closes it."""
    while os.read(sys.stdin.fileno(), 4096):  # not sys.stdin: a thread that waits in it breaks the process's own end
        pass
    os.kill(os.getpid(), signal.SIGINT)


@sandbox.command()
@DEMO_HOME
def day(home: Path | None) -> None:
    """Move the running sandbox and the platform on by a day.

    The sandbox's people live through the day; then the platform reads the windows of every day that is over, makes its
    tables and delivers them, as it would have done by itself. The sandbox has to run: `gtm ui` starts it.

    \b
    Example:
      gtm sandbox day
    """
    chosen = choose_demo_home(home).announce().enter()
    from gtm_platform.demo.simulation import run_next_day

    sys.exit(run_next_day(chosen.path))


@sandbox.command()
@DEMO_HOME
@click.option("--now", "now_", metavar="ISO", help="Move it to this moment, where it stands still.")
@click.option("--days", type=float, help="Move it on by so many days; it goes on as it did.")
@click.option("--follow", is_flag=True, help="Let it run at the speed of real time.")
def clock(home: Path | None, now_: str | None, days: float | None, follow: bool) -> None:
    """Show the clock of the running sandbox, or move it. It never goes back.

    Only the sandbox moves; the platform reads it when its next windows close. `gtm sandbox day` moves both.

    \b
    Example:
      gtm sandbox clock
      gtm sandbox clock --days 0.5
    """
    from gtm_platform.demo.sandbox_process import required_sandbox

    if (now_ is not None) + (days is not None) + follow > 1:
        raise click.UsageError("Choose one of --now, --days and --follow.")
    box = required_sandbox(choose_demo_home(home).announce().enter().path)
    if now_:
        box.set_clock(moment(now_))
    if days is not None:
        box.move_clock(days)
    if follow:
        box.follow_real_time()
    click.echo(box.clock_message())


@sandbox.command()
@DEMO_HOME
@click.option("--as", "lander", type=click.Choice(["fivetran", "airbyte"]), required=True, help="Whose tables.")
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder of the tables.")
def land(home: Path | None, lander: str, into: Path) -> None:
    """Land the running sandbox's HubSpot, Stripe and Intercom as tables, as Fivetran or Airbyte would.

    A folder that was landed into before is brought up to date. The variables that make the platform read the tables
    are printed.

    \b
    Example:
      gtm sandbox land --as fivetran --into landed
    """
    from gtm_platform.demo.sandbox_process import required_sandbox
    from gtm_platform.sandbox.landers.sync import sync, variables

    box = required_sandbox(choose_demo_home(home).announce().enter().path)
    for system, tables in sync(lander, box.environment(), into, box.now()).items():
        click.echo(f"{system}: {sum(tables.values()):,} rows written in {len(tables)} tables")
    for name, value in variables(lander, into).items():
        click.echo(f"{name}={value}")


@sandbox.command()
@DEMO_HOME
@click.option("--to", "url", metavar="URL", help="Send to this address from now on, such as http://127.0.0.1:8000.")
@click.option("--system", "systems", multiple=True, help="Only of this system; may be given several times.")
@click.option("--late", type=click.FloatRange(0), default=0, help="Deliver up to so many seconds after it happened.")
@click.option("--twice", type=click.FloatRange(0, 1), default=0, help="The share that is delivered a second time.")
@click.option("--shuffled", is_flag=True, help="Deliver in another order.")
@click.option("--unsigned", type=click.FloatRange(0, 1), default=0, help="The share that somebody else signs.")
@click.option("--end", is_flag=True, help="Send nothing any more.")
def webhooks(
    home: Path | None,
    url: str | None,
    systems: tuple[str, ...],
    late: float,
    twice: float,
    shuffled: bool,
    unsigned: float,
    end: bool,
) -> None:
    """Have the running sandbox send webhooks, signed as each system does, and show what came of them.

    Without options what is due is delivered once more. `gtm serve` and `gtm ui` over the sandbox's home have its
    secrets; for another receiver they are printed with --to.

    \b
    Example:
      gtm sandbox webhooks --to http://127.0.0.1:8000
      gtm sandbox webhooks --to http://127.0.0.1:8000 --system stripe --late 600 --twice 0.2 --shuffled
      gtm sandbox webhooks
    """
    from gtm_platform.demo.sandbox_process import required_sandbox

    box = required_sandbox(choose_demo_home(home).announce().enter().path)
    if end:
        box.end_webhooks()
    elif url:
        habits = {"late_seconds": late, "twice": twice, "shuffled": shuffled, "unsigned": unsigned}
        box.register_webhooks(url, systems, follow=True, **habits)
        for name, value in box.webhooks()["variables"].items():
            click.echo(f"{name}={value}")
    else:
        click.echo(f"{box.send_webhooks():,} deliveries were due.")
    report = box.webhooks()
    click.echo(f"sent to: {report['url'] or 'nobody'}; {report['waiting']:,} deliveries wait", err=True)
    for row in report["outcomes"]:
        click.echo(f"{row['webhook']:<10} {row['outcome']:<16} {row['deliveries']:>8,}", err=True)
