"""Asking for many things at once: in order, not too many, and not any more once one has failed."""

import threading
from collections.abc import Iterator

import pytest

from gtm_platform.ingest.concurrency import map_concurrently, prefetch


def test_answers_come_in_the_order_of_the_things() -> None:
    later = threading.Event()

    def ask(thing: int) -> int:
        if thing == 0:
            later.wait(5)
        if thing == 1:
            later.set()
        return thing * 10

    assert list(map_concurrently(ask, range(20), 4)) == [thing * 10 for thing in range(20)]


def test_things_are_not_taken_far_ahead() -> None:
    taken: list[int] = []

    def things() -> object:
        for thing in range(100):
            taken.append(thing)
            yield thing

    answers = map_concurrently(lambda thing: thing, things(), 2)  # type: ignore[arg-type, var-annotated]
    next(answers)
    assert taken == [0, 1, 2, 3]


def test_a_failure_is_raised_where_its_answer_would_be() -> None:
    def ask(thing: int) -> int:
        if thing == 2:
            raise ValueError("no")
        return thing

    answers = map_concurrently(ask, range(100), 2)
    assert [next(answers), next(answers)] == [0, 1]
    with pytest.raises(ValueError, match="no"):
        next(answers)


def test_the_next_two_things_are_asked_for_while_one_is_dealt_with_and_no_more() -> None:
    asked = [threading.Event() for _ in range(9)]

    def things() -> Iterator[int]:
        for thing, event in enumerate(asked):
            event.set()
            yield thing

    for thing in prefetch(things()):
        assert all(event.wait(5) for event in asked[: thing + 3])
        assert not any(event.is_set() for event in asked[thing + 3 :])


def test_what_fails_while_it_is_asked_for_ahead_fails_in_its_turn() -> None:
    def things() -> Iterator[int]:
        yield 0
        raise ValueError("no")

    found = prefetch(things())
    assert next(found) == 0
    with pytest.raises(ValueError, match="no"):
        next(found)
