"""Calls made several at a time, in order, each in the context of the caller, so that it hears what they wait for."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context, copy_context
from typing import TypeVar, cast

END = object()
T = TypeVar("T")
R = TypeVar("R")


def map_concurrently(ask: Callable[[T], R], things: Iterable[T], threads: int) -> Iterator[R]:
    """Yield the answers in the order of the things; at most twice the threads are under way."""
    under_way: deque[Future[R]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for thing in things:
                under_way.append(pool.submit(copy_context().run, ask, thing))
                if len(under_way) >= 2 * threads:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()


def prefetch(things: Iterator[T], context: Context | None = None) -> Iterator[T]:
    """Yield the same things, each asked for while the one before is dealt with, two ahead."""
    inherited = context or copy_context()  # one thread runs one call after the other in it

    def following() -> T | object:
        return inherited.run(next, things, END)

    with ThreadPoolExecutor(1) as thread:
        under_way = deque(thread.submit(following) for _ in range(2))
        while (thing := under_way.popleft().result()) is not END:
            under_way.append(thread.submit(following))
            yield cast(T, thing)
