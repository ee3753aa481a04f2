"""What `dagster dev` prints, cut down to sentences for a terminal; the whole of it goes to a file.

A failure comes as a header (time, level, job, run), the exception with its message, and pages of stack trace.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import click

# 2026-11-28 21:13:54 +0000 - dagster - ERROR - deliver - <run id> - 21959 - RUN_FAILURE - Execution of run failed.
HEADER = re.compile(
    r"^\d{4}-\d\d-\d\d (?P<time>\d\d:\d\d:\d\d) \S+ - (?P<logger>\S+) - (?P<level>[A-Z]+) - (?P<text>.*)"
)
RUN = re.compile(r"^(?P<job>\S+) - (?P<run>[0-9a-f]{8})[0-9a-f-]{28} - \d+ - (?P<text>.*)")
EXCEPTION = re.compile(r"^(?P<kind>[\w.]+(?:Error|Exception|Failure|Warning|\.[A-Z]\w+)): (?P<message>.*)")
QUIET_EVENTS = ("STEP_FAILURE",)  # the failure of the run follows, with the same exception


def sentences(lines: Iterable[str]) -> Iterator[str]:
    """Yield a line for each failure: when, what failed, and the message of its first exception."""
    header: str | None = None  # of the failure whose exception is still to come
    printed = True  # whether lines are none of a failure, and so are shown as they are
    for line in (raw.rstrip("\n") for raw in lines):
        if match := HEADER.match(line):
            if header:
                yield header
            header, printed = _header(match), False
        elif header and (match := EXCEPTION.match(line)):
            yield f"{header}: {match['message']}"
            header = None
        elif printed and line.strip():
            if line.startswith("Traceback"):
                header, printed = "Dagster", False
            else:
                yield line
    if header:
        yield header


def _header(match: re.Match[str]) -> str | None:
    """What failed, for the first words of the sentence; None for what a later record says better."""
    run = RUN.match(match["text"])
    if run is None:
        return f"{match['time']} {match['text']}"
    if run["text"].partition(" - ")[2].startswith(QUIET_EVENTS):
        return None
    return f"{match['time']} {run['job']} failed (run {run['run']})"


def relay(output: TextIO, log: Path) -> None:
    """Copy the output to a file, and print its sentences, until it ends."""
    with open(log, "w") as file:

        def copied() -> Iterator[str]:
            for line in output:
                with suppress(OSError):  # a full disk must not stop the reading: whoever prints would wait for ever
                    file.write(line)
                    file.flush()
                yield line

        for sentence in sentences(copied()):
            click.echo(sentence)
