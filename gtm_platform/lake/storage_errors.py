"""What can run out while something is written: the disk, or the memory that the engine may use."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

FULL = [os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)]


class DiskFull(RuntimeError):
    """There is no room for a file; the message names it and says what to do."""


class OutOfMemory(RuntimeError):
    """A query needs more memory than the engine may use; the message names the setting."""


@contextmanager
def storage_errors(target: Path) -> Iterator[None]:
    """Turn a full disk and too little memory into sentences that say what to do."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise OutOfMemory(
            f"There is too little memory to make {target}: {str(error).splitlines()[0]}. Nothing was replaced. "
            f"Raise GTM_MEMORY_LIMIT, or free space beside the lake, where the rest is put; then run it again."
        ) from error
    except (duckdb.Error, OSError) as error:
        if why := next((why for why in FULL if why in str(error)), None):
            raise DiskFull(
                f"The disk is full: {target} cannot be written ({why}). Nothing was replaced. Free space in "
                f"{target.parent}, and run it again."
            ) from error
        raise
