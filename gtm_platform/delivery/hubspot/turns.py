"""One delivery at a time plans and writes, in whichever process: of two at once the older values might come last."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from gtm_platform.settings import settings


@contextmanager
def writing_alone() -> Iterator[None]:
    """Wait for other deliveries, then keep them waiting; the lock goes with the process that holds it."""
    settings().home.mkdir(parents=True, exist_ok=True)
    with open(settings().home / "hubspot.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
