"""What the demo prints: a line a day, and its figures and findings at the end."""

from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from gtm_platform.demo.cohort_checks import changes
from gtm_platform.demo.day_runs import HUBSPOT_COUNTS, Tally
from gtm_platform.demo.findings import Finding
from gtm_platform.demo.world import home_option
from gtm_platform.lake.dagster.resource import the_lake

STATUSES = ("healthy", "at_risk", "high_risk", "critical")
COLOURS = {"healthy": "green", "at_risk": "yellow", "high_risk": "magenta", "critical": "red"}
BAR = 40  # characters


def show_day(day: date, counts: Counter[str]) -> None:
    """Print a line about a day that was run."""
    statuses = health_of(day)
    customers = sum(statuses.values())
    click.echo(f"  {day}  {counts['rows']:>6,} rows   {customers:>5,} customers  ", nl=False)
    for status in STATUSES:
        share = statuses[status] / customers if customers else 0
        click.secho("█" * round(share * 16), fg=COLOURS[status], nl=False)
    click.echo(f"  HubSpot {counts['written']:>4} written   Slack {counts['messages']:>2} messages")


def health_of(day: date) -> Counter[str]:
    """Count the customers of each health status."""
    table = the_lake().partition("health/customer_health", day.isoformat())
    counts = table.group_by("health_status").agg(customers=table.count()).to_pyarrow().to_pylist()
    return Counter({row["health_status"]: row["customers"] for row in counts})


def summed_up(tally: Tally) -> dict[str, Any]:
    """Return the figures that `--summary` writes."""
    first, last = tally.days[0], tally.days[-1]
    return {
        "days": [day.isoformat() for day in tally.days],
        "nothing_twice": tally.is_rerun,
        "rows": dict(sorted(tally.rows.items())),
        "quarantined": tally.quarantined,
        "customers": sum(health_of(last).values()),
        "mrr": _mrr(last),
        "health": {"first": dict(health_of(first)), "last": dict(health_of(last))},
        "transitions": [
            {"from": before, "to": now, "companies": count}
            for (before, now), count in changes(tally.days).most_common()
        ],
        "hubspot": {name: tally.hubspot[name] for name in HUBSPOT_COUNTS},
        "slack": {"sent": tally.slack["messages"], "alerts": tally.slack["sent"]},
        "seconds": {stage: round(seconds, 2) for stage, seconds in tally.seconds.items()},
    }


def _mrr(day: date) -> dict[str, str]:
    """By currency, and all of it in the reporting currency."""
    table = the_lake().partition("core/revenue", day.isoformat())
    paying = table.filter(table.mrr > 0)
    sums = paying.group_by("currency").agg(mrr=paying.mrr.sum()).order_by("currency").to_pyarrow().to_pylist()
    whole = paying.mrr_reporting.sum().to_pyarrow().as_py()
    return {row["currency"]: str(row["mrr"]) for row in sums} | {"reporting": str(whole or Decimal(0))}


def show(tally: Tally, figures: dict[str, Any], findings: list[Finding], home: Path) -> None:
    """Print the figures and what was checked."""
    _show_sources(figures)
    _show_customers(tally, figures)
    _show_transitions(figures)
    _show_deliveries(tally, figures)
    seconds = sorted(figures["seconds"].items(), key=lambda stage: -stage[1])
    click.echo("\nTime went to " + ", ".join(f"{stage} {taken:.1f} s" for stage, taken in seconds) + ".")
    _show_findings(findings)
    option = home_option(home)
    click.echo(f"\nNext: `gtm ui{option}` (or `make ui`) starts dashboard, API, Dagster UI and sandbox over it;")
    click.echo("      open the dashboard first: http://127.0.0.1:8501, or the address that it prints;")
    click.echo(f'      `gtm query{option} "select * from latest.customer_health"` reads its tables.')


def _show_sources(figures: dict[str, Any]) -> None:
    click.secho("\nSources", bold=True)
    by_source: dict[str, list[str]] = {}
    for table, rows in figures["rows"].items():
        source, _, stream = table.partition(".")
        by_source.setdefault(source, []).append(f"{stream} {rows:,}")
    for source, streams in by_source.items():
        click.echo(f"  {source:<9} {', '.join(streams)}")
    click.echo(f"  {figures['quarantined']} records quarantined")


def _show_customers(tally: Tally, figures: dict[str, Any]) -> None:
    click.secho("\nCustomers", bold=True)
    sums = ", ".join(f"{mrr} {currency}" for currency, mrr in figures["mrr"].items() if currency != "reporting")
    click.echo(
        f"  {figures['customers']:,} customers, MRR {sums}; {figures['mrr']['reporting']} in all (reporting currency)"
    )
    first, last = figures["health"]["first"], figures["health"]["last"]
    for status in STATUSES:
        count, before = last.get(status, 0), first.get(status, 0)
        moved = f"  ({count - before:+d} since {tally.days[0]})" if len(tally.days) > 1 else ""
        click.echo(f"  {status:<10}{count:>6}  ", nl=False)
        click.secho("█" * round(BAR * count / max(1, figures["customers"])), fg=COLOURS[status], nl=False)
        click.echo(moved)


def _show_transitions(figures: dict[str, Any]) -> None:
    click.secho("\nCompanies that changed their cohort, or customers that fell dormant or came back", bold=True)
    for change in figures["transitions"]:
        click.echo(f"  {change['from']:<10} → {change['to']:<10}{change['companies']:>6}")
    if not figures["transitions"]:
        click.echo("  none: there is no day to compare with")


def _show_deliveries(tally: Tally, figures: dict[str, Any]) -> None:
    click.secho("\nDelivered", bold=True)
    written = figures["hubspot"]
    counts = (f"{count:,} {what.replace('_', ' ')}" for what, count in written.items())
    click.echo(f"  HubSpot  {', '.join(counts)}")
    click.echo(f"  Slack    {figures['slack']['sent']} messages with {figures['slack']['alerts']} alerts")
    if tally.is_rerun:
        click.secho(f"  Every day had been run before; {tally.days[-1]} was run once more: ", nl=False)
        twice = written["written"] + written["associations_made"] + figures["slack"]["sent"]
        click.secho("nothing was done twice." if not twice else "something was done twice!", bold=True)


def _show_findings(findings: list[Finding]) -> None:
    click.secho("\nChecked against the sandbox", bold=True)
    for finding in findings:
        click.secho("  ✗ " if finding.wrong else "  ✓ ", fg="red" if finding.wrong else "green", nl=False)
        click.echo(finding.claim)
        for line in finding.wrong[:5]:
            click.secho(f"      {line}", fg="red")
        if len(finding.wrong) > 5:
            click.secho(f"      … and {len(finding.wrong) - 5} more", fg="red")
