"""`gtm report`: a report made in this process, out of the lake of the home."""

import hashlib
import re
import webbrowser
from datetime import timedelta
from pathlib import Path

import click

import gtm_platform.definitions  # noqa: F401  declares the tables
from gtm_platform.intelligence.effect.shown_lake import shown
from gtm_platform.keyring import keyring
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.policy import policy
from gtm_platform.reports.files import folder_of
from gtm_platform.reports.kinds import discover
from gtm_platform.reports.make import make
from gtm_platform.reports.period import Period
from gtm_platform.reports.report import Report
from gtm_platform.reports.seen_lake import seen
from gtm_platform.sealed_files import read_bytes
from gtm_platform.serving.snapshot.layout import CUSTOMERS
from gtm_platform.serving.tokens import refuse_wrong_role
from gtm_platform.serving.viewer import Viewer, viewer_of
from gtm_platform.settings import settings


def list_reports() -> None:
    """Print every report, and how its periods are named."""
    for report in discover().values():
        click.echo(f"{report.name:<22} each {report.cadence.name:<8} {report.about}")


def make_report(
    name: str, period: str | None, role: str | None, account_manager: str | None, *, to: Path | None, show: bool
) -> None:
    """Make a report, print what it says and where it lies, and open it; with a role, of what that sees."""
    if show and keyring().writing and not to:
        raise ValueError("Reports are encrypted: name with --to a folder for files that can be opened.")
    if name not in discover():
        raise ValueError(f"There is no report {name!r}; there are {', '.join(discover())}.")
    report = discover()[name]
    lake, home = shown(the_lake()), settings().home
    if role:
        viewer = viewer_with(role, account_manager)
        lake = seen(the_lake(), viewer.sight)
        home = home / "reports_of" / (slug(account_manager) if account_manager else role)
    made = make(report, _period(report, period), lake, policy(), home)
    folder = _copied(folder_of(home, name, made.period), to) if to else folder_of(home, name, made.period)
    click.secho(f"{made.title}: {made.label}{'' if made.is_complete else f', so far: to {made.day}'}", bold=True)
    click.echo(made.lead)
    for card in made.cards:
        click.echo(f"  {card['title']:<26} {card['shown']:>12}  {card['change']}")
    for file in made.files:
        click.echo(str(folder / file))
    if keyring().writing and not to:
        click.echo("They are encrypted; --to FOLDER writes files that can be opened.")
    if made.no_pdf:
        click.secho(made.no_pdf, fg="yellow", err=True)
    if show:
        webbrowser.open((folder / "report.html").as_uri())


def _copied(folder: Path, to: Path) -> Path:
    """Write the files of a report, as they can be opened, into a folder of somebody."""
    to.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        if not file.name.startswith("."):
            (to / file.name).write_bytes(read_bytes(file))
    return to.resolve()


def viewer_with(role: str, account_manager: str | None) -> Viewer:
    """Return who has a role; ValueError where it has no reports, or does not say whose customers it sees."""
    refuse_wrong_role(role, account_manager, policy().access)
    viewer = viewer_of("", role, policy().access.roles[role], account_manager)
    if "customers" not in viewer.areas:
        raise ValueError(f"The role {role} sees no customers, of whom reports are.")
    return viewer


def slug(name: str) -> str:
    """Return a name of a folder for somebody, which leads nowhere else; two people never have the same."""
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    return f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _period(report: Report, text: str | None) -> Period:
    """Return the period that is named; without a name the newest that is over, or else the present one."""
    if text:
        return report.cadence.named(text)
    days = the_lake().partitions(CUSTOMERS)
    if not days:
        raise ValueError(f"{CUSTOMERS} holds no day yet. Run `gtm demo`, or let the daily tables be made.")
    present = report.cadence.named(max(days))
    if max(days) == str(present.last):
        return present
    ended = report.cadence.containing(present.first - timedelta(days=1))
    return ended if min(days) <= str(ended.last) else present
