"""What a run waits for, told to whoever listens: pauses are long only where a system asks for them or fails.

The listener is a context variable, since the wait happens deep inside a client that knows no run.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LONG = 1.0  # seconds; shorter waits are the ordinary pace
Listener = Callable[[float, str], None]  # seconds, and why

_listener: ContextVar[Listener | None] = ContextVar("wait_listener", default=None)


@contextmanager
def on_wait(listener: Listener) -> Iterator[None]:
    """Call the listener before each long wait in this context."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def announce_wait(seconds: float, reason: str) -> None:
    """Tell the listener, if there is one, that a long wait begins."""
    listener = _listener.get()
    if listener and seconds >= LONG:
        listener(seconds, reason)
