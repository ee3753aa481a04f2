"""The ledger of credits: what a cap allows to runs side by side, and what becomes of what a crash leaves behind."""

import multiprocessing
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gtm_platform.state import State, open_state, spend
from gtm_platform.state.bought_answers import BoughtAnswer, answers_between, keep_answer

NOW = datetime(2026, 3, 5, 9, tzinfo=UTC)
CAP = Decimal(1000)
ONE = Decimal(1)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = open_state(url_of(tmp_path))
    yield opened
    opened.close()


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'state.db'}"


def reserve(state: State, *subjects: str, cap: Decimal = CAP, credits: Decimal = ONE, at: datetime = NOW) -> list[int]:
    with state.writing() as tx:
        rows = spend.reserve(
            tx, "clay", [(each, credits) for each in subjects], cap, "run", at, at - timedelta(days=90)
        )
    return [row.id for row in rows]


def month(state: State, name: str = "2026-03") -> spend.MonthSpend:
    with state.reading() as tx:
        return spend.spent_in(tx, "clay", name)


def spend_all(state: State, number: int, credits: Decimal = ONE) -> None:
    ids = reserve(state, *[f"spent{n}.example" for n in range(number)], credits=credits)
    with state.writing() as tx:
        spend.begin(tx, ids, NOW)
        for id in ids:
            spend.charge(tx, id, credits, NOW)


def test_a_cap_is_used_to_the_last_credit_and_not_beyond(state: State) -> None:
    spend_all(state, 990)
    ids = reserve(state, *[f"company{n}.example" for n in range(50)])
    assert len(ids) == 10
    assert month(state).committed == CAP
    assert reserve(state, "late.example") == []


def test_credits_are_exact_to_a_thousandth(state: State) -> None:
    credits = Decimal("0.333")
    ids = reserve(state, *[f"c{n}.example" for n in range(5)], cap=ONE, credits=credits)
    assert len(ids) == 3
    with state.writing() as tx:
        spend.charge(tx, ids[0], Decimal("0.1"), NOW)
    assert month(state).charged == Decimal("0.1")
    assert month(state).reserved == Decimal("0.666")


def compete(url: str, run: str, calls: int) -> None:
    """Reserve, begin and charge one company at a time, as a run in a process of its own."""
    state = open_state(url)
    for number in range(calls):
        wishes = [(f"{run}-{number}.example", ONE)]
        with state.writing() as tx:
            rows = spend.reserve(tx, "clay", wishes, CAP, run, NOW, NOW - timedelta(days=90))
        with state.writing() as tx:
            begun = spend.begin(tx, [row.id for row in rows], NOW)
        with state.writing() as tx:
            for id in begun:
                spend.charge(tx, id, ONE, NOW)
    state.close()


def test_two_runs_at_99_percent_of_the_cap_spend_not_one_credit_more(state: State, tmp_path: Path) -> None:
    spend_all(state, 990)
    spawn = multiprocessing.get_context("spawn")
    runs = [spawn.Process(target=compete, args=(url_of(tmp_path), name, 12)) for name in ("first", "second")]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0, 0]
    assert month(state) == spend.MonthSpend("clay", "2026-03", charged=CAP, reserved=Decimal(0), subjects=1000)


def test_a_company_is_not_bought_twice_within_the_age_and_again_after_it(state: State) -> None:
    (first,) = reserve(state, "acme.example", "acme.example")
    assert reserve(state, "acme.example") == []
    with state.writing() as tx:
        spend.begin(tx, [first], NOW)
        spend.charge(tx, first, Decimal(0), NOW)  # nothing was known of it, which is an answer, too
    assert reserve(state, "acme.example", at=NOW + timedelta(days=89)) == []
    assert len(reserve(state, "acme.example", at=NOW + timedelta(days=91))) == 1


def test_what_was_released_is_free_and_may_be_asked_for_again(state: State) -> None:
    (id,) = reserve(state, "acme.example")
    with state.writing() as tx:
        assert spend.release(tx, [id], NOW, "It was refused.") == 1
        assert spend.release(tx, [id], NOW, "It was refused.") == 0
    assert month(state).committed == 0
    assert len(reserve(state, "acme.example")) == 1


def test_a_reservation_that_was_begun_stays_reserved_across_a_crash_and_across_months(state: State) -> None:
    begun, unbegun = reserve(state, "begun.example", "unbegun.example")
    with state.writing() as tx:
        assert spend.begin(tx, [begun], NOW) == [begun]
    later = NOW + timedelta(days=60)  # the process is gone; nobody settled either of them
    with state.writing() as tx:
        assert spend.release_unbegun(tx, "clay", later - timedelta(hours=1), later) == 1
        assert spend.begin(tx, [unbegun], later) == [], "a run that was given up may not call any more"
        (waiting,) = spend.unsettled(tx, "clay")
    assert waiting.id == begun
    assert month(state).reserved == ONE
    assert reserve(state, "begun.example", at=later) == [], "it may have been paid for"
    with state.writing() as tx:
        assert spend.charge(tx, begun, ONE, later)
    assert month(state).charged == ONE, "it counts in the month in which it was reserved"
    assert month(state, "2026-05").committed == 0


def test_a_settled_reservation_is_not_settled_again(state: State) -> None:
    (id,) = reserve(state, "acme.example")
    with state.writing() as tx:
        assert spend.charge(tx, id, ONE, NOW)
        assert not spend.charge(tx, id, ONE, NOW)
        assert spend.release(tx, [id], NOW, "too late") == 0
    assert month(state).charged == ONE


def test_a_unit_is_charged_for_once_in_a_period(state: State) -> None:
    first, second, third = reserve(state, "acme.example", "acme.test", "other.example")
    since = NOW - timedelta(days=200)
    with state.writing() as tx:
        spend.charge(tx, first, ONE, NOW, "344000001", since)
        spend.charge(tx, second, ONE, NOW, "344000001", since)
        spend.charge(tx, third, ONE, NOW, "344000002", since)
    assert month(state).charged == Decimal(2)


def test_the_caps_of_providers_and_months_are_apart(state: State) -> None:
    spend_all(state, 1000)
    with state.writing() as tx:
        other = spend.reserve(tx, "zoominfo", [("acme.example", ONE)], CAP, "run", NOW)
    assert len(other) == 1
    assert len(reserve(state, "acme.example", at=NOW + timedelta(days=40))) == 1
    with state.reading() as tx:
        assert [(each.provider, each.month) for each in spend.months(tx)] == [
            ("clay", "2026-04"),
            ("zoominfo", "2026-03"),
            ("clay", "2026-03"),
        ]


def test_the_first_that_the_cap_has_no_room_for_ends_the_list(state: State) -> None:
    with state.writing() as tx:
        wishes = [("a.example", Decimal(2)), ("b.example", Decimal(2)), ("c.example", ONE)]
        rows = spend.reserve(tx, "clay", wishes, Decimal(3), "run", NOW)
    assert [row.subject for row in rows] == ["a.example"]


def test_answers_are_kept_with_what_they_cost(state: State) -> None:
    first, second = reserve(state, "acme.example", "globex.example")
    with state.writing() as tx:
        for id, subject, hours in ((first, "acme.example", 1), (second, "globex.example", 30)):
            at = NOW + timedelta(hours=hours)
            spend.charge(tx, id, ONE, at)
            keep_answer(tx, BoughtAnswer(id, "clay", subject, "matched", '{"é": 1}', at))
    with state.reading() as tx:
        (answer,) = answers_between(tx, "clay", NOW, NOW + timedelta(days=1))
    assert (answer.subject, answer.answer, answer.credits) == ("acme.example", '{"é": 1}', ONE)
