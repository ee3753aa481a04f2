"""Asking for many things at once: in order, not too many, and not any more once one has failed."""

import threading

import pytest

from gtm_platform.sources.abreast import abreast


def test_answers_come_in_the_order_of_the_things() -> None:
    later = threading.Event()

    def ask(thing: int) -> int:
        if thing == 0:
            later.wait(5)
        if thing == 1:
            later.set()
        return thing * 10

    assert list(abreast(ask, range(20), 4)) == [thing * 10 for thing in range(20)]


def test_things_are_not_taken_far_ahead() -> None:
    taken: list[int] = []

    def things() -> object:
        for thing in range(100):
            taken.append(thing)
            yield thing

    answers = abreast(lambda thing: thing, things(), 2)  # type: ignore[arg-type, var-annotated]
    next(answers)
    assert taken == [0, 1, 2, 3]


def test_a_failure_is_raised_where_its_answer_would_be() -> None:
    def ask(thing: int) -> int:
        if thing == 2:
            raise ValueError("no")
        return thing

    answers = abreast(ask, range(100), 2)
    assert [next(answers), next(answers)] == [0, 1]
    with pytest.raises(ValueError, match="no"):
        next(answers)
