"""Where engines put what does not fit into memory: a folder for each process, beside the lake.

What a killed process left goes when the next one of its host begins. A container has a name that never comes again, and
numbers its processes by itself: what it left goes once nobody has touched it for a day. Both engines need it, so it
belongs to neither.
"""

import os
import platform
import shutil
import time
from contextlib import suppress
from pathlib import Path

from gtm_platform.settings import settings

FORGOTTEN_SECONDS = 24 * 60 * 60  # longer than any query takes


def folder() -> Path:
    """Return this process's own folder: engines name their files alike in all processes."""
    spill, host = settings().home / "spill", _host()
    spill.mkdir(parents=True, exist_ok=True)  # engines make the folder, but none above it
    for left in spill.iterdir():
        owner, _, process = left.name.rpartition(".")
        if process.isdigit() and (not _is_alive(int(process)) if owner == host else _is_forgotten(left)):
            shutil.rmtree(left, ignore_errors=True)
    return spill / f"{host}.{os.getpid()}"


def _host() -> str:
    """Return this host's name, with the numbering of processes where containers could share the name."""
    numbering = ""
    with suppress(OSError):
        numbering = f"-{os.stat('/proc/self/ns/pid').st_ino}"
    return f"{platform.node()}{numbering}"


def _is_forgotten(left: Path) -> bool:
    """Whether nobody has touched a folder of another host for a day."""
    try:
        touched = max(each.stat().st_mtime for each in (left, *left.rglob("*")))
    except OSError:
        return False  # somebody is at it
    return touched < time.time() - FORGOTTEN_SECONDS


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
