"""Heads of the audit trail, kept in a file beside the state: what was cut off the end of the trail shows by them.

A copy of the file on another machine, or the newest line in a message, also shows a trail that was written anew.
"""

import json
import os
import re
from dataclasses import asdict
from pathlib import Path

from gtm_platform.state.audit import Head

FILE = "audit_anchors.jsonl"
TEXT = re.compile(r"(\d+):(\d+):([0-9a-f]{64})")


def anchors_of(home: Path) -> list[Head]:
    """Return the heads that were kept, the oldest first; ValueError where the file cannot be read."""
    path = home / FILE
    if not path.exists():
        return []
    try:
        return [Head(**json.loads(line)) for line in path.read_text().splitlines() if line]
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}): put back a copy of it, or compare with --head.") from None


def keep_anchor(home: Path, head: Head) -> None:
    """Keep a head; that of an empty trail, or one that is kept already, adds nothing."""
    kept = anchors_of(home)
    if head.entries == 0 or (kept and kept[-1] == head):
        return
    with (home / FILE).open("a") as file:
        file.write(json.dumps(asdict(head)) + "\n")
        file.flush()
        os.fsync(file.fileno())


def as_text(head: Head) -> str:
    """Return a head in one word, to be noted elsewhere."""
    return f"{head.entries}:{head.id}:{head.hash}"


def of_text(text: str) -> Head:
    """Read a head that was noted elsewhere."""
    match = TEXT.fullmatch(text.strip())
    if match is None:
        raise ValueError("A head is COUNT:ID:HASH, as `gtm audit verify` prints it.")
    return Head(int(match[1]), int(match[2]), match[3])
