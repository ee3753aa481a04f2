"""Asking for many things one by one, several under way at a time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar, cast

END = object()
T = TypeVar("T")
R = TypeVar("R")


def map_concurrently(ask: Callable[[T], R], things: Iterable[T], threads: int) -> Iterator[R]:
    """The answers in the order of the things; never more than twice as many as threads are asked for or waiting."""
    under_way: deque[Future[R]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for thing in things:
                under_way.append(pool.submit(ask, thing))
                if len(under_way) >= 2 * threads:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()


def prefetch(things: Iterator[T]) -> Iterator[T]:
    """The same things, each asked for while the one before it is dealt with: by a thread that need not wait to be told
    to, as it would not hear of it before this one rests."""
    with ThreadPoolExecutor(1) as thread:
        under_way = deque(thread.submit(next, things, END) for _ in range(2))
        while (thing := under_way.popleft().result()) is not END:
            under_way.append(thread.submit(next, things, END))
            yield cast(T, thing)
