"""Processes that have only what the lake needs, to be started by the dozen and killed: forked, each without an engine
yet, from one that has imported it all. What they are to do is a function of a module, given a pipe and arguments.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from gtm_platform.settings import settings

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["gtm_platform_tests.faults.storm", "gtm_platform.state.store", "alembic.command", "pandas"]
)


@contextmanager
def started(home: Path, deed: Callable[..., None], *arguments: Any) -> Iterator[tuple[ForkServerProcess, Connection]]:
    """A process doing the deed, and the end of the pipe that it speaks to; killed if it still lives."""
    here, there = _context.Pipe()
    process = _context.Process(target=_at_home, args=(str(home), deed, there, *arguments))
    process.start()
    there.close()
    try:
        yield process, here
    finally:
        process.kill()
        process.join()
        here.close()


def _at_home(home: str, deed: Callable[..., None], *arguments: Any) -> None:
    os.environ["GTM_HOME"] = home
    settings.cache_clear()
    deed(*arguments)
