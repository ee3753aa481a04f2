"""What `gtm health replay` prints: history beside the same days by other rules."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from statistics import median

import click

from gtm_platform.cli.printing import Rows, print_rows
from gtm_platform.delivery.alerts.alert_counts import count_alerts
from gtm_platform.health.replay import Churn, Move, Replay, replayed
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Policy, policy, read
from gtm_platform.unified import customers

SHOWN = 40  # customers


def read_policy(path: Path) -> Policy:
    """Read a policy file; every mistake in it is named with its line."""
    return read(path.read_text(), str(path))


def replay(lake: Lake, path: Path, days: int) -> None:
    """Replay the newest days by the rules of a file, and print what would have been otherwise."""
    by = read_policy(path)
    warm_up = max(by.alerts.health_drop_days, policy().alerts.health_drop_days)
    with replayed(lake, by, days, warm_up, then=[customers.TABLE]) as compared:
        first, last = compared.days[0], compared.days[-1]
        click.secho(
            f"{first} to {last} by the rules {by.hash} instead of those of history ({policy().hash} now)", bold=True
        )
        differing = compared.differing_days()
        click.echo(f"{len(differing)} of {len(compared.days)} days differ in anything but the hash of the rules.")
        _print_moves(compared.moves(), last)
        _print_alerts(compared, by)
        _print_churns(compared.churns())


def _print_moves(moves: Sequence[Move], day: str) -> None:
    click.secho(f"\nWho would move on {day}: {len(moves)} customers", bold=True)
    paths = Counter((move.before or "no score", move.after or "no score") for move in moves)
    worth = {
        path: sum(
            (m.mrr or Decimal(0) for m in moves if (m.before or "no score", m.after or "no score") == path), Decimal(0)
        )
        for path in paths
    }
    if moves:
        print_rows(
            Rows(
                ["from", "to", "customers", "mrr"],
                [(*path, count, worth[path]) for path, count in sorted(paths.items())],
            ),
            "table",
        )
        click.echo()
        listed = [
            (move.customer_id, f"{move.score_before} {move.before}", f"{move.score_after} {move.after}", move.mrr)
            for move in moves[:SHOWN]
        ]
        print_rows(Rows(["customer", "from", "to", "mrr"], listed), "table")


def _print_alerts(compared: Replay, by: Policy) -> None:
    before, after = (
        count_alerts(compared.history, compared.days, policy()),
        count_alerts(compared.lake, compared.days, by),
    )
    difference = after.total() - before.total()
    click.secho(f"\nAlerts: {after.total()} instead of {before.total()} ({difference:+d})", bold=True)
    kinds = sorted(before.keys() | after.keys())
    rows = [(kind, before[kind], after[kind], f"{after[kind] - before[kind]:+d}") for kind in kinds]
    print_rows(Rows(["kind", "history", "these rules", "difference"], rows), "table")


def _print_churns(churns: Sequence[Churn]) -> None:
    click.secho(f"\nChurns: {len(churns)}", bold=True)
    if not churns:
        return
    for name, ahead in (
        ("history", [churn.flagged_before for churn in churns]),
        ("these rules", [churn.flagged_after for churn in churns]),
    ):
        flagged = [days for days in ahead if days is not None]
        middle = f", {median(flagged):g} days ahead (median)" if flagged else ""
        click.echo(f"{name}: {len(flagged)} of {len(churns)} flagged before{middle}")
    rows = [
        (churn.customer_id, churn.day, _ahead(churn.flagged_before), _ahead(churn.flagged_after), _gain(churn))
        for churn in churns[:SHOWN]
    ]
    print_rows(Rows(["customer", "churned on", "history: days ahead", "these rules", "earlier by"], rows), "table")


def _ahead(days: int | None) -> str:
    return "not flagged" if days is None else str(days)


def _gain(churn: Churn) -> str:
    if churn.flagged_before is None or churn.flagged_after is None:
        return ""
    return f"{churn.flagged_after - churn.flagged_before:+d}"
