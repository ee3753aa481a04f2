"""What `gtm erase` and `gtm export` do and print; and the home as erasing needs it."""

import getpass
import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click
import dagster as dg

from gtm_platform.cli.printing import Rows, print_table
from gtm_platform.definitions import defs
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.orchestration.instance import instance, postgres_url
from gtm_platform.orchestration.origin import UNFINISHED
from gtm_platform.policy import policy
from gtm_platform.privacy.erasure import ErasureContext, carry_out, plan_erasure
from gtm_platform.privacy.export import export_person
from gtm_platform.privacy.outside import erasers
from gtm_platform.privacy.seal import is_genuine, required_keys
from gtm_platform.reports.render import NoPdf, as_pdf
from gtm_platform.sealed_files import read_bytes
from gtm_platform.serving.assets import remake
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform.state.erasures import Erasure, all_erasures


@contextmanager
def erasure_context() -> Iterator[ErasureContext]:
    """Yield the home of the environment, with all that erasing in it needs."""
    config = settings()
    with instance() as dagster:
        checks = defs.resolve_asset_graph().asset_check_keys
        yield ErasureContext(
            home=config.home,
            cache=config.cache,
            state_url=config.state_url,
            rules=policy(),
            now=config.now,
            keys=required_keys(),
            erasers=erasers(),
            render=_as_pdf,
            remake_snapshot=lambda: _remake(dagster, checks),
            busy_with=lambda: _unfinished(dagster),
            history_url=postgres_url(config),
        )


def _remake(dagster: dg.DagsterInstance, checks: Any) -> None:
    remake(dagster, checks, the_lake())


def _unfinished(dagster: dg.DagsterInstance) -> str | None:
    runs = dagster.get_runs(dg.RunsFilter(statuses=UNFINISHED), limit=1)
    return runs[0].run_id[:8] if runs else None


def _as_pdf(page: str, path: Path) -> bytes | None:
    """Return a page as PDF, as of the day that its description says; None where none can be made."""
    try:
        return as_pdf(page, json.loads(read_bytes(path.with_name("report.json")))["day"])
    except NoPdf:
        return None


def plan(person: str, reason: str, receipt: Path | None, *, at_once: bool) -> None:
    """Print the plan of an erasure, and carry it out where that is wanted."""
    with erasure_context() as context:
        click.echo("Looking through every file of this home.", err=True)
        erasure = plan_erasure(context, person, reason, getpass.getuser())
        _print_plan(erasure)
        if at_once:
            _print_receipt(carry_out(context, erasure.id, getpass.getuser(), _progress), receipt)
        else:
            click.echo(f"\nNothing is erased yet. To carry it out: gtm erase --plan {erasure.id}")


def carry_out_plan(plan_id: str, receipt: Path | None) -> None:
    """Carry out a plan, or finish it, and print the receipt."""
    with erasure_context() as context:
        _print_receipt(carry_out(context, plan_id, getpass.getuser(), _progress), receipt)


def asked() -> None:
    """Do what the dashboard asks for in a line of stdin: make a plan and print its id, or carry one out."""
    request = json.loads(sys.stdin.readline())
    with erasure_context() as context:
        if "plan" in request:
            carry_out(context, request["plan"], request["who"])
        else:
            click.echo(plan_erasure(context, request["person"], request["reason"], request["who"]).id)


def list_erasures() -> None:
    """Print every erasure: when, by whom, why, and how far it is."""
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        rows = [
            (each.id, each.status, f"{each.requested_at:%Y-%m-%d %H:%M}", each.requested_by, each.reason)
            for each in all_erasures(tx)
        ]
    if rows:
        print_table(Rows(["plan", "status", "requested", "by", "reason"], rows))
    else:
        click.echo("Nobody was erased in this home, and no plan waits.")


def verify(path: Path) -> int:
    """Print whether a receipt is as it was signed; return 0 where it is."""
    genuine = is_genuine(json.loads(path.read_text()), required_keys())
    click.echo("The receipt is as it was signed." if genuine else "The receipt was changed, or is none of ours.")
    return 0 if genuine else 1


def export_to(person: str, folder: Path) -> None:
    """Write what is known of a person, and print how much that is."""
    exported = export_person(the_lake(), settings().state_url, person, folder, settings().now())
    print_table(Rows(["table", "rows"], sorted(exported.rows.items())))
    click.echo(f"Written to {exported.folder}: everything.json, and a CSV file for each table.")


def _progress(what: str) -> None:
    """Show on a terminal what was done last, in one line that each thing writes over."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{what}", nl=False, err=True)


def _print_plan(erasure: Erasure) -> None:
    plan = erasure.plan
    click.secho(f"Plan {erasure.id}", bold=True)
    rows = [(f"lake: {name}", n["rows"], n["changed"], n["old_files"]) for name, n in sorted(plan["lake"].items())]
    rows += [(f"{kind}: {name}", n, 0, 0) for kind in ("state", "files", "guests") for name, n in plan[kind].items()]
    print_table(Rows(["place", "go", "change", "old files"], rows))
    for system, count in sorted(plan["systems"].items()):
        click.echo(f"{system}: {count} records in the system")
    for system, what in sorted(plan["outside"].items()):
        click.echo(f"{system}, by the policy: {what}")
    for text in plan["notes"]:
        click.echo(text)


def _print_receipt(receipt: dict[str, Any], path: Path | None) -> None:
    if path:
        path.write_text(json.dumps(receipt, indent=1, ensure_ascii=False))
    click.secho(f"\nErased, as plan {receipt['erasure']}, at {receipt['finished_at']}.", bold=True)
    for duty in receipt["others_must"]:
        click.echo(f"- {duty}")
    click.echo(f"Receipt: {path}" if path else f"Signature: {receipt['signature']}")
