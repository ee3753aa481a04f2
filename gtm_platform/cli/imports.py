"""`gtm import`: a file for a source, looked through or read, with what came of it as a table."""

from collections.abc import Iterator
from pathlib import Path

import click

from gtm_platform.cli.printing import Rows, print_rows
from gtm_platform.ingest.assets import windows
from gtm_platform.ingest.files.folder import FileFolder
from gtm_platform.ingest.files.outcome import counts, lines_of, outcome_of
from gtm_platform.ingest.files.reading import FileRefused, FileReport
from gtm_platform.ingest.files.streams import folder_of
from gtm_platform.sources.assets import SOURCES
from gtm_platform.state.dropped_files import READ, DroppedFile

CLEAN, REFUSED, SOME_QUARANTINED = 0, 1, 3  # exit codes; 2 is a command that is not well-formed


def import_file(source: str, path: Path, *, dry_run: bool, rejected: Path | None = None) -> int:
    """Look the file through, or read it; print what came of it, and return the exit code."""
    folder = _folder(source)
    if dry_run:
        report = folder.dry_run(path)
        _show(path.name, report, dry_run=True)
        _write_rejected(folder, path, rejected)
        if not report.refused:
            click.echo(f"Nothing was read. To read it: gtm import {source} {path}")
        return _exit_code(report)
    file, is_new = folder.take(path)
    if not is_new:
        click.echo(f"A file with this content was picked up on {file.received_at:%Y-%m-%d %H:%M} UTC, as {file.name}.")
        click.echo("Nothing is read twice.")
    report = FileReport.from_json(file.report)
    _show(path.name, report, dry_run=False)
    _write_rejected(folder, path, rejected)
    if report.refused or file.status == READ:
        return _exit_code(report)
    return _exit_code(report) if _sync(folder, file) else REFUSED


def _write_rejected(folder: FileFolder, path: Path, into: Path | None) -> None:
    """Write the rows that do not fit as a file of their own, to mend and to import."""
    if into is None:
        return
    try:
        written = folder.write_rejected(path, into)
    except FileRefused:  # it is said with the report
        return
    rows = "1 row that does not fit was" if written == 1 else f"{written:,} rows that do not fit were"
    click.echo(f"{rows} written to {into}.{' Mend them there, and import that file.' if written else ''}")


def list_sources() -> int:
    """Print which sources take files, where they are dropped, and what each kind of file must have."""
    for source in SOURCES:
        if folder := folder_of(source):
            click.secho(f"{source.name}  {folder.drop}", bold=True)
            for stream, layout in folder.layouts.items():
                click.echo(f"  {stream}: {layout.describe_required()}")
    return CLEAN


def _folder(source: str) -> FileFolder:
    folders = {each.name: folder for each in SOURCES if (folder := folder_of(each))}
    if source not in folders:
        raise LookupError(f"{source} takes no files. Those that do: {', '.join(folders)}.")
    return folders[source]


def _sync(folder: FileFolder, file: DroppedFile) -> bool:
    """Read the file into the lake by a run of the source, for the window in which it counts."""
    from gtm_platform.cli.runs import make

    window = folder.window_start(file.as_of).strftime(windows(folder.hours).fmt)
    made = make(f"sync_{folder.source}", window, None)
    read = next((each for each in folder.files(READ) if each.id == file.id), None)
    if read:
        click.echo(str(outcome_of(read)))
    return made == 0 and read is not None


def _exit_code(report: FileReport) -> int:
    if report.refused:
        return REFUSED
    return SOME_QUARANTINED if report.quarantined else CLEAN


def _show(name: str, report: FileReport, *, dry_run: bool) -> None:
    if report.encoding:
        place = f"header on line {report.header_line}"
        click.echo(f"{name}: {report.encoding}, separated by {report.delimiter}, {place}, read as {report.stream}")
    if columns := list(_columns(report)):
        print_rows(Rows(("heading", "read as"), columns), "table")
    if report.refused:
        click.secho(f"Refused: {report.refused}", fg="red", err=True)
        return
    will = "Would be: " if dry_run else ""
    click.secho(f"{will}{counts(report, with_reasons=False)}", fg="yellow" if report.quarantined else "green")
    if report.reasons:
        rows = [(count, lines_of(report, reason), reason) for reason, count in report.reasons.items()]
        print_rows(Rows(("rows", "where", "why they are quarantined"), rows), "table")


def _columns(report: FileReport) -> Iterator[tuple[str, str]]:
    yield from report.recognised.items()
    for heading in report.ignored:
        meant = report.misspelt.get(heading)
        yield heading, f"(ignored; if {meant} is meant, rename it)" if meant else "(ignored, kept with the row)"
