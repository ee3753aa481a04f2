"""`gtm doctor`: every source, from its keys to the age of its data."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import click

from gtm_platform.delivery.alerts.slack_client import CUSTOMER_CHANNEL, OPS_CHANNEL, off_reason
from gtm_platform.http.errors import ApiFailure
from gtm_platform.ingest.assets import windows
from gtm_platform.ingest.source import Source, Window
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import Settings, settings
from gtm_platform.sources.assets import SOURCES

SLACK_CHANNELS = {
    CUSTOMER_CHANNEL: "Slack, alerts about customers",
    OPS_CHANNEL: "Slack, what fails in the platform",
}


@dataclass(frozen=True)
class Finding:
    source: str
    state: str  # ok | off | failing
    told: str
    synced: str
    fresh: str


def examine() -> int:
    """Prints what is found; 1 where a source that is configured does not work."""
    findings = [_finding(source, settings(), the_lake()) for source in SOURCES]
    colours = {"ok": "green", "off": "yellow", "failing": "red"}
    for found in findings:
        click.secho(f"{found.source:<10} {found.state:<8}", fg=colours[found.state], nl=False)
        click.echo(f" {found.told}")
        click.echo(f"{'':<20}last sync: {found.synced}; {found.fresh}")
    for channel, use in SLACK_CHANNELS.items():
        off = off_reason(settings(), channel)
        click.echo(f"{'':<20}{use}: {off or f'on, in {channel}'}")
    return int(any(found.state == "failing" for found in findings))


def _finding(source: Source, environment: Settings, lake: Lake) -> Finding:
    synced, fresh = _freshness(source, lake, environment.now())
    if off := source.off(environment):
        return Finding(source.name, "off", off, synced, fresh)
    try:
        with source.connect(environment) as client:
            told, refused = source.check(client), _refused(source, client, environment.now())
    except ApiFailure as failure:
        return Finding(source.name, "failing", str(failure), synced, fresh)
    if refused:
        return Finding(source.name, "failing", f"{told}; {'; '.join(refused)}", synced, fresh)
    return Finding(source.name, "ok", f"{told}; may read {', '.join(s.name for s in source.streams)}", synced, fresh)


def _refused(source: Source, client: Any, now: datetime) -> list[str]:
    """What asking each stream for its last minute tells of what is not allowed, or does not work."""
    found = []
    for stream in source.streams:
        try:
            stream.check_access(client, Window(now - timedelta(minutes=1), now))
        except ApiFailure as failure:
            found.append(f"{stream.name}: {failure}")
    return found


def _freshness(source: Source, lake: Lake, now: datetime) -> tuple[str, str]:
    """The end of the newest window of the stream that is furthest behind, and whether that is late."""
    newest = [max(lake.partitions(source.table(stream)), default=None) for stream in source.streams]
    if any(partition is None for partition in newest):
        never = [stream.name for stream, partition in zip(source.streams, newest, strict=True) if partition is None]
        return "never" if len(never) == len(newest) else f"never for {', '.join(never)}", "not fresh"
    end = windows(source.hours).time_window_for_partition_key(min(key for key in newest if key)).end
    late = now - end - timedelta(hours=source.hours)
    until = f"{end:%Y-%m-%d %H:%M} UTC"
    return until, "fresh" if late <= timedelta(hours=12) else f"stale by {late.total_seconds() / 3600:.0f} hours"
