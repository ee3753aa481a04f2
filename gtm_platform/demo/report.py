"""What the demo says while it lives, and at the end."""

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

import click

from gtm_platform.demo.story import Story
from gtm_platform.demo.truth_checks import Finding
from gtm_platform.lake.dagster.resource import the_lake

STATUSES = ("healthy", "at_risk", "high_risk", "critical")
COLOURS = {"healthy": "green", "at_risk": "yellow", "high_risk": "magenta", "critical": "red"}
BAR = 40  # characters


def show_day(day: date, said: Counter[str]) -> None:
    """One line a day, as it is over."""
    found = health_of(day)
    customers = sum(found.values())
    click.echo(f"  {day}  {said['rows']:>6,} rows   {customers:>5,} customers  ", nl=False)
    for status in STATUSES:
        share = found[status] / customers if customers else 0
        click.secho("█" * round(share * 16), fg=COLOURS[status], nl=False)
    click.echo(f"  HubSpot {said['written']:>4} written   Slack {said['messages']:>2} messages")


def health_of(day: date) -> Counter[str]:
    table = the_lake().partition("health/customer_health", day.isoformat())
    counts = table.group_by("health_status").agg(customers=table.count()).to_pyarrow().to_pylist()
    return Counter({row["health_status"]: row["customers"] for row in counts})


def summed_up(story: Story) -> dict[str, Any]:
    """What `--summary` writes."""
    first, last = story.lived[0], story.lived[-1]
    return {
        "days": [day.isoformat() for day in story.lived],
        "nothing_twice": story.again,
        "rows": dict(sorted(story.rows.items())),
        "quarantined": story.quarantined,
        "customers": sum(health_of(last).values()),
        "mrr": _mrr(last),
        "health": {"first": dict(health_of(first)), "last": dict(health_of(last))},
        "hubspot": {name: story.hubspot[name] for name in ("written", "unchanged", "held", "rejected")},
        "slack": {"sent": story.slack["messages"], "alerts": story.slack["sent"]},
        "seconds": {stage: round(seconds, 2) for stage, seconds in story.seconds.items()},
    }


def _mrr(day: date) -> dict[str, str]:
    """By currency, and all of it in the reporting currency."""
    table = the_lake().partition("core/revenue", day.isoformat())
    paying = table.filter(table.mrr > 0)
    sums = paying.group_by("currency").agg(mrr=paying.mrr.sum()).order_by("currency").to_pyarrow().to_pylist()
    whole = paying.mrr_reporting.sum().to_pyarrow().as_py()
    return {row["currency"]: str(row["mrr"]) for row in sums} | {"reporting": str(whole or Decimal(0))}


def show(story: Story, told: dict[str, Any], findings: list[Finding]) -> None:
    _show_sources(told)
    _show_customers(story, told)
    _show_deliveries(story, told)
    seconds = sorted(told["seconds"].items(), key=lambda stage: -stage[1])
    click.echo("\nTime went to " + ", ".join(f"{stage} {taken:.1f} s" for stage, taken in seconds) + ".")
    _show_findings(findings)
    click.echo('\nNext: `make ui` opens the Dagster UI; `.venv/bin/gtm query "select * from latest.customer_health"`.')


def _show_sources(told: dict[str, Any]) -> None:
    click.secho("\nSources", bold=True)
    by_source: dict[str, list[str]] = {}
    for table, rows in told["rows"].items():
        source, _, stream = table.partition(".")
        by_source.setdefault(source, []).append(f"{stream} {rows:,}")
    for source, streams in by_source.items():
        click.echo(f"  {source:<9} {', '.join(streams)}")
    click.echo(f"  {told['quarantined']} records quarantined")


def _show_customers(story: Story, told: dict[str, Any]) -> None:
    click.secho("\nCustomers", bold=True)
    sums = ", ".join(f"{mrr} {currency}" for currency, mrr in told["mrr"].items() if currency != "reporting")
    click.echo(f"  {told['customers']:,} customers, MRR {sums}; {told['mrr']['reporting']} in all (reporting currency)")
    first, last = told["health"]["first"], told["health"]["last"]
    for status in STATUSES:
        count, before = last.get(status, 0), first.get(status, 0)
        moved = f"  ({count - before:+d} since {story.lived[0]})" if len(story.lived) > 1 else ""
        click.echo(f"  {status:<10}{count:>6}  ", nl=False)
        click.secho("█" * round(BAR * count / max(1, told["customers"])), fg=COLOURS[status], nl=False)
        click.echo(moved)


def _show_deliveries(story: Story, told: dict[str, Any]) -> None:
    click.secho("\nDelivered", bold=True)
    written = told["hubspot"]
    click.echo(f"  HubSpot  {', '.join(f'{count:,} {what}' for what, count in written.items())}")
    click.echo(f"  Slack    {told['slack']['sent']} messages saying {told['slack']['alerts']} alerts")
    if story.again:
        click.secho(f"  Every day had been lived; {story.lived[-1]} was lived once more: ", nl=False)
        twice = written["written"] + told["slack"]["sent"]
        click.secho("nothing was done twice." if not twice else "something was done twice!", bold=True)


def _show_findings(findings: list[Finding]) -> None:
    click.secho("\nChecked against the sandbox", bold=True)
    for found in findings:
        click.secho("  ✗ " if found.wrong else "  ✓ ", fg="red" if found.wrong else "green", nl=False)
        click.echo(found.claim)
        for line in found.wrong[:5]:
            click.secho(f"      {line}", fg="red")
        if len(found.wrong) > 5:
            click.secho(f"      … and {len(found.wrong) - 5} more", fg="red")
