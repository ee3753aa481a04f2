"""`gtm ui|dashboard|serve|report|mcp`: where people and programs look at what was made.

Here are the commands and their options; what each does stands in a module beside this one.
"""

import sys
from pathlib import Path

import click

from gtm_platform.cli.homes import choose_home, enter_with_sandbox
from gtm_platform.cli.options import HOME

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@HOME
@click.option("--port", type=int, default=3000, show_default=True, help="Port of the Dagster UI.")
@click.option(
    "--dashboard-port", type=int, help="Port of the dashboard.  [default: 8501, or a free one where that is taken]"
)
@click.option("--api-port", type=int, help="Port of the API.  [default: 8000, or a free one where that is taken]")
@click.option(
    "--sandbox/--no-sandbox",
    default=None,
    help="Read the sandbox, or the real accounts.  [default: the accounts where one has a key; the sandbox in a home "
    "of the demo]",
)
def ui(home: Path | None, port: int, dashboard_port: int | None, api_port: int | None, sandbox: bool | None) -> None:
    """Start the dashboard, the API, the Dagster UI and, where it is read, the sandbox, until Ctrl-C.

    Their addresses are printed; the dashboard is the one to open first. One that ends by itself is named, and the rest
    goes on. Where the CRM may be written to, webhooks are followed at once, as by `gtm hooks hot`.

    Without options it opens the demo's home as long as no account has a key, and the home of the real accounts from
    then on.

    \b
    Example:
      gtm ui
      gtm ui --no-sandbox --port 3001
    """
    chosen = choose_home(home, sandbox=sandbox).announce().enter()
    from gtm_platform.cli.ui import Ports, show

    sys.exit(show(chosen, Ports.chosen(port, dashboard_port, api_port), sandbox=sandbox))


@click.command()
@HOME
@click.option("--port", type=int, help="Port of the dashboard.  [default: 8501, or a free one where that is taken]")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
def dashboard(home: Path | None, port: int | None, host: str) -> None:
    """Start the dashboard alone. Ctrl-C ends it.

    It shows what the daily tables made last: customers, who is at risk and why, companies, revenue, and whether the
    data are fresh. It reads the snapshot in the home and nothing else, so it also runs while nothing else does. `gtm
    ui` starts it together with Dagster. It listens on this machine only unless --host says otherwise: it asks nobody
    who they are, so put a proxy that does before it then.

    \b
    Example:
      gtm dashboard
      gtm dashboard --port 8600
    """
    chosen = choose_home(home).announce().enter()
    from gtm_platform.cli.dashboard import serve_dashboard

    sys.exit(serve_dashboard(chosen, port=port, host=host))


@click.command()
@HOME
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", type=int, default=8000, show_default=True, help="Port; 0 is any free one.")
@click.option(
    "--rate", type=click.FloatRange(0.1), default=50, show_default=True, help="Requests a second that a token may make."
)
def serve(home: Path | None, host: str, port: int, rate: float) -> None:
    """Serve the REST API over what the daily tables made last. Ctrl-C ends it.

    Whoever asks needs a token; `gtm token create` makes one. It listens on this machine only unless --host says
    otherwise; put TLS before it then.

    \b
    Example:
      gtm serve
      gtm serve --port 8080
    """
    enter_with_sandbox(choose_home(home).announce())
    from gtm_platform.cli.serve import serve_api

    serve_api(host, port, rate)


@click.command()
@HOME
@click.argument("name", required=False)
@click.option(
    "--period", help="Such as 2026-W48, 2026-11, 2026-Q4, or a day in it.  [default: the newest that is over]"
)
@click.option("--role", help="Make it of what a role of the policy sees, into the folder reports_of.")
@click.option("--account-manager", metavar="NAME", help="Whose customers it is about, of a role that sees its own.")
@click.option("--to", type=FOLDER, metavar="FOLDER", help="Write files there that are not encrypted.")
@click.option("--open", "show", is_flag=True, help="Open it in the browser.")
def report(
    home: Path | None,
    name: str | None,
    period: str | None,
    role: str | None,
    account_manager: str | None,
    to: Path | None,
    show: bool,
) -> None:
    """Make a report of a week, a month or a quarter; without NAME, list the reports.

    It is written as HTML, PDF and CSV to the folder reports of the home. Schedules make each once its period is over.

    \b
    Example:
      gtm report
      gtm report weekly_health --open
      gtm report monthly_mrr --period 2026-11
      gtm report weekly_health --role account_manager --account-manager "Sam Lee"
    """
    choose_home(home).announce().enter()
    from gtm_platform.cli.reports import list_reports, make_report

    make_report(name, period, role, account_manager, to=to, show=show) if name else list_reports()


@click.command()
@HOME
def mcp(home: Path | None) -> None:
    """Answer a chat program over stdin and stdout, by the Model Context Protocol.

    The program starts it. GTM_API_TOKEN holds a token that `gtm token create` made; without the scope personal:read no
    names and addresses are shown. `gtm serve` has the same tools at /mcp.

    \b
    Example:
      gtm mcp
      {"command": "gtm", "args": ["mcp"], "env": {"GTM_API_TOKEN": "gtm_..."}}
    """
    choose_home(home).enter()  # not announced: stdout and stderr are the program's
    from gtm_platform.cli.chat import answer_chat

    answer_chat()
