"""Where engines put what does not fit into memory: a folder for each process, beside the lake.

What a killed process left goes when the next one begins. Both engines need it, so it belongs to neither.
"""

import os
import platform
import shutil
from pathlib import Path

from gtm_platform.settings import settings


def folder() -> Path:
    """Return this process's own folder: engines name their files alike in all processes."""
    spill, host = settings().home / "spill", platform.node()
    spill.mkdir(parents=True, exist_ok=True)  # engines make the folder, but none above it
    for left in spill.iterdir():
        owner, _, process = left.name.rpartition(".")
        if owner == host and process.isdigit() and not _is_alive(int(process)):
            shutil.rmtree(left, ignore_errors=True)
    return spill / f"{host}.{os.getpid()}"


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
