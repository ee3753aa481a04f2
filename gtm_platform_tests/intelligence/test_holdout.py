"""Experiments: registered before they begin, drawn once, followed day by day, and what they come to."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st

from gtm_platform.intelligence.effect import holdout
from gtm_platform.intelligence.effect.assignment import first_draw, later_draw, stratum_of
from gtm_platform.intelligence.effect.experiments import Experiment, NotRegistered, experiments_of_home, register, stop
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform.state.schema import experiments
from gtm_platform_tests.intelligence.experiment import (
    FOLLOWED,
    REGISTERED_AT,
    START,
    customer,
    days,
    groups,
    make,
    registered,
    rows,
    settle,
    terms,
)
from gtm_platform_tests.tables import filled


@pytest.fixture
def lake() -> Lake:
    return the_lake()


def run(lake: Lake, customers_by_day: Sequence[Sequence[dict[str, Any]]], since: date = START) -> date:
    """Make the days of some customers; return the last."""
    for day, customers in zip(days(len(customers_by_day), since), customers_by_day, strict=True):
        settle(lake, day, customers)
        make(lake, day)
    return day


# --- registration ----------------------------------------------------------------------------------------------------


def test_the_packaged_policy_withholds_from_nobody_and_cannot_be_registered() -> None:
    assert policy().effect.share == 0
    with pytest.raises(NotRegistered, match="share = 0"):
        register(policy().effect, "Noor", REGISTERED_AT)
    assert experiments_of_home() == ()


def test_what_was_registered_stays_and_another_needs_another_name() -> None:
    first = registered()
    assert register(terms(), "Sam", REGISTERED_AT + timedelta(hours=3)) == (first, False), "the same is registered once"
    with pytest.raises(NotRegistered, match=r"other terms \(hypothesis, share\).*another name"):
        registered(share=0.2, hypothesis="Another.")
    [kept] = experiments_of_home()
    assert (kept.terms, kept.registered_at, kept.registered_by) == (terms(), REGISTERED_AT, "Noor")


def test_it_is_registered_before_its_first_day() -> None:
    with pytest.raises(NotRegistered, match="before it starts"):
        registered(at=datetime(2026, 3, 2, tzinfo=UTC))


def test_one_experiment_runs_at_a_time() -> None:
    registered(ends_on=START + timedelta(days=40))
    with pytest.raises(NotRegistered, match="spring goes on until 2026-04-11"):
        registered(experiment="summer", starts_on=START + timedelta(days=40))
    registered(experiment="summer", starts_on=START + timedelta(days=41))


def test_terms_that_were_changed_in_the_state_are_refused() -> None:
    registered()
    state = open_state(settings().state_url)
    with state.writing() as tx:
        tx.execute(experiments.update().values(terms=terms(share=0.1).model_dump(mode="json")))
    with pytest.raises(NotRegistered, match="their hash differs"):
        experiments_of_home()


@pytest.mark.parametrize(
    "wrong", [{"hypothesis": ""}, {"starts_on": None}, {"sample_size": None}, {"ends_on": START + timedelta(days=10)}]
)
def test_an_experiment_that_is_not_whole_is_refused_by_the_policy(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"an experiment with a share|ends_on has to be"):
        terms(**wrong)


# --- drawing ---------------------------------------------------------------------------------------------------------

HOLDOUT = holdout.TABLE.key
CROWDS = st.lists(
    st.tuples(st.integers(0, 10**6), st.integers(1, 3000), st.sampled_from(["starter", "scale", None])),
    unique_by=lambda each: each[0],
    max_size=60,
)


@tries(max_examples=50, deadline=None)
@given(CROWDS, st.floats(0.01, 0.5), st.text("abc", min_size=1, max_size=5))
def test_of_each_stratum_the_share_is_withheld_in_whatever_order(crowd: list[Any], share: float, name: str) -> None:
    rules = terms(experiment=f"e{name}", share=share, strata=("plan_tier", "mrr_band"))
    customers = [customer(f"c{id}", mrr, plan_tier=tier) for id, mrr, tier in crowd]
    withheld = first_draw(customers, rules)
    assert withheld == first_draw(reversed(customers), rules)
    strata: dict[str, list[str]] = {}
    for each in customers:
        strata.setdefault(stratum_of(each, rules), []).append(each["customer_id"])
    for ids in strata.values():
        assert abs(len(withheld & set(ids)) - share * len(ids)) < 1


def test_strata_are_what_the_policy_names() -> None:
    every = terms(strata=("plan_tier", "mrr_band", "account_manager"), mrr_bands=(500, 100))
    assert stratum_of(customer("c1", 499), every) == "scale / MRR from 100 / Sam Lee"
    assert stratum_of(customer("c1", 3, plan_tier=None, assigned_am=None), every) == "none / MRR from 0 / none"
    assert stratum_of(customer("c1"), terms(strata=())) == "all"


def test_who_comes_later_is_withheld_as_often_and_everybody_has_the_same_chance() -> None:
    later = sum(later_draw(f"c{n}", terms(share=0.2)) for n in range(20_000))
    assert abs(later - 4000) < 4 * 57  # four deviations
    taken = [first_draw([customer("a"), customer("b")], terms(experiment=f"e{n}", share=0.2)) for n in range(2000)]
    chances = [sum(id in each for each in taken) for id in "ab"]
    assert all(abs(count - 400) < 4 * 18 for count in chances), chances
    other = [later_draw(f"c{n}", terms(share=0.2, experiment="other")) for n in range(2000)]
    assert sum(a and later_draw(f"c{n}", terms(share=0.2)) for n, a in enumerate(other)) < 120, "drawn anew"


STEPS = st.lists(st.lists(st.tuples(st.integers(0, 25), st.integers(0, 900)), max_size=20), min_size=2, max_size=5)


@tries(max_examples=12, deadline=None)
@given(STEPS)
def test_who_was_drawn_once_is_never_drawn_again(steps: list[Any]) -> None:
    experiment = Experiment("spring", terms(), REGISTERED_AT, "Noor", "")
    previous: list[dict[str, Any]] = []
    for day, step in zip(days(len(steps)), steps, strict=True):
        present = [customer(f"c{id}", mrr) for id, mrr in dict(step).items()]
        people = filled("identity/people", *({"customer_id": each["customer_id"]} for each in present))
        customers, before = filled("core/unified_customers", *present), filled(HOLDOUT, *previous)
        now = holdout.table(customers, people, before, [experiment], policy(), day).to_pylist()
        assert now == holdout.table(customers, people, before, [experiment], policy(), day).to_pylist()
        drawn, known = ({row["customer_id"]: row["group"] for row in of} for of in (now, previous))
        assert known.items() <= drawn.items()
        assert drawn.keys() == known.keys() | {each["customer_id"] for each in present}
        previous = now


def test_a_day_that_has_a_later_one_stays_as_it_was_drawn(lake: Lake) -> None:
    registered()
    run(lake, [[customer(f"c{n}") for n in range(20)], [customer(f"c{n}") for n in range(20)]])
    before = groups(lake, START)
    settle(lake, START, [customer(f"c{n}", 900) for n in range(3)])
    make(lake, START, ["intelligence/holdout"])
    assert groups(lake, START) == before


def test_nobody_is_drawn_before_the_start_or_without_an_experiment(lake: Lake) -> None:
    last = run(lake, [[customer("c1")]])
    assert rows(lake, "holdout", last) == rows(lake, "effect", last) == []
    registered(starts_on=START + timedelta(days=2))
    last = run(lake, [[customer("c1")]], START + timedelta(days=1))
    assert rows(lake, "holdout", last) == []


def test_whom_a_customer_went_into_takes_its_place(lake: Lake) -> None:
    registered(share=0.5)
    crowd = [customer(f"c{n}") for n in range(10)]
    run(lake, [crowd])
    before = groups(lake, START)
    gone = next(id for id, group in before.items() if group == "withheld")
    next_day = START + timedelta(days=1)
    settle(
        lake, next_day, [*(each for each in crowd if each["customer_id"] != gone), customer("older")], {gone: "older"}
    )
    make(lake, next_day)
    by_id = {row["customer_id"]: row for row in rows(lake, "holdout", next_day)}
    assert (by_id["older"]["group"], by_id["older"]["entered_on"]) == ("withheld", START)
    assert by_id[gone]["merged_into"] == "older"
    followed = {row["customer_id"] for row in rows(lake, "holdout_outcomes", next_day)}
    assert "older" in followed
    assert gone not in followed


# --- following -------------------------------------------------------------------------------------------------------


def test_a_customer_counts_from_its_first_day_at_risk_on_and_its_outcome_is_read_once(lake: Lake) -> None:
    registered(outcome_days=3)
    well = customer("a", status="healthy")
    run(
        lake,
        [
            [well, customer("b"), customer("free", 0), customer("left")],
            [customer("a", 120), customer("b", 150), customer("free", 0)],
            [customer("a", 120), customer("b", 40)],
            [customer("a", 300), customer("b", 250, status="healthy")],
            [customer("a", 90), customer("b", 900)],
        ],
    )
    last = START + timedelta(days=4)
    entered = {row["customer_id"]: (row["entered_on"], row["mrr_before"]) for row in rows(lake, "holdout", last)}
    assert entered == {
        "a": (START + timedelta(days=1), 12000),
        "b": (START, 10000),
        "free": (None, None),
        "left": (START, 10000),
    }
    outcomes = {row["customer_id"]: row for row in rows(lake, "holdout_outcomes", last)}
    shown = {id: tuple(row[name] for name in ("churned", "mrr_change", "expansion")) for id, row in outcomes.items()}
    assert shown == {"a": (False, -3000, 0), "b": (False, 15000, 15000), "left": (True, -10000, 0)}
    assert outcomes["b"]["ended_on"] == START + timedelta(days=3)


def test_what_one_pays_in_a_currency_without_a_rate_is_no_churn_and_no_change(lake: Lake) -> None:
    registered(outcome_days=1)
    strange = customer("a", mrr=80) | {"mrr_reporting": None}
    run(lake, [[customer("a")], [strange]])
    [row] = rows(lake, "holdout_outcomes", START + timedelta(days=1))
    assert (row["churned"], row["mrr_change"], row["expansion"]) == (False, None, None)


def test_nobody_enters_whose_outcome_would_come_after_the_end(lake: Lake) -> None:
    registered(ends_on=START + timedelta(days=12), sample_size=None)
    run(lake, [[customer("a")], [], [customer("b")], [customer("c")]])
    entered = {row["customer_id"]: row["entered_on"] for row in rows(lake, "holdout", START + timedelta(days=3))}
    assert entered == {"a": START, "b": START + timedelta(days=2), "c": None}


def test_with_a_sample_size_it_ends_when_the_last_outcome_of_the_sample_is_known(lake: Lake) -> None:
    registered(sample_size=50)
    crowds = [[customer(f"c{n}") for n in range(count)] for count in (30, 60, 90)]
    run(lake, crowds)
    found = rows(lake, "holdout", START + timedelta(days=2))
    assert sum(row["entered_on"] is not None for row in found) == 60, "all of the day on which it was reached"
    assert {row["ends_on"] for row in found} == {START + timedelta(days=11)}
    assert len(found) == 90, "those who come later are drawn all the same until it is over"


def test_stopped_it_withholds_no_longer_than_that_day_and_later_outcomes_do_not_count(lake: Lake) -> None:
    registered(outcome_days=2)
    stop("spring", "Noor", "It hurts.", datetime(2026, 3, 4, 8, tzinfo=UTC))
    with pytest.raises(NotRegistered, match="No experiment spring goes on"):
        stop("spring", "Noor", "Again.", datetime(2026, 3, 5, tzinfo=UTC))
    run(lake, [[customer("a")], [customer("a"), customer("b")], [], [], []])
    last = START + timedelta(days=4)
    assert {row["ends_on"] for row in rows(lake, "holdout", last)} == {date(2026, 3, 4)}
    outcomes = {row["customer_id"]: row["ended_on"] for row in rows(lake, "holdout_outcomes", last)}
    assert outcomes == {"a": START + timedelta(days=2)}


# --- the effect ------------------------------------------------------------------------------------------------------


def kept_by_treatment(lake: Lake, count: int) -> date:
    """Make an experiment in which every second withheld customer churns, and of the treated one in twelve."""
    crowd = [customer(f"c{n:03}", 100 + n) for n in range(count)]
    settle(lake, START, crowd)
    make(lake, START)
    drawn = groups(lake, START)
    order = {"treated": 0, "withheld": 0}
    stay = []
    for each in crowd:
        group = drawn[each["customer_id"]]
        order[group] += 1
        if order[group] % (2 if group == "withheld" else 12):
            stay.append(each | {"mrr": Decimal(each["mrr"] + 5), "mrr_reporting": each["mrr_reporting"] + 5})
    due = START + timedelta(days=10)
    settle(lake, due, stay)
    make(lake, due)
    return due


def test_a_difference_that_is_there_is_reported_with_its_interval(lake: Lake) -> None:
    registered()
    due = kept_by_treatment(lake, 300)
    found = {row["outcome"]: row for row in rows(lake, "effect", due)}
    churn = found["churn"]
    assert (churn["treated"] + churn["withheld"], churn["entered_treated"]) == (300, churn["treated"])
    assert churn["mean_withheld"] == pytest.approx(0.5, abs=0.01)
    assert churn["mean_treated"] == pytest.approx(1 / 12, abs=0.01)
    assert churn["low"] < churn["mean_treated"] - churn["mean_withheld"] < churn["high"] < 0
    assert (churn["verdict"], churn["is_primary"]) == ("less with it", True)
    assert found["mrr"]["verdict"] == "more with it"
    assert found["mrr"]["total"] == pytest.approx(found["mrr"]["difference"] * found["mrr"]["treated"])
    assert (found["mrr"]["is_primary"], found["expansion"]["mean_withheld"]) == (False, pytest.approx(250, abs=5))


def test_of_few_no_difference_is_reported(lake: Lake) -> None:
    registered()
    due = kept_by_treatment(lake, 80)
    found = rows(lake, "effect", due)
    assert {(row["verdict"], row["difference"], row["low"]) for row in found} == {("too few so far", None, None)}
    assert all(row["mean_withheld"] is not None for row in found)


def test_another_future_changes_no_day_and_any_day_can_be_made_again(lake: Lake) -> None:
    registered(outcome_days=2)
    crowd = [customer(f"c{n}", 100 + n) for n in range(120)]
    past = [crowd, crowd[:110], crowd[5:100]]
    run(lake, past)
    last = START + timedelta(days=2)
    names = [name.removeprefix("intelligence/") for name in FOLLOWED]
    before = {name: rows(lake, name, last) for name in names}
    assert all(before.values())
    run(lake, [[customer(f"c{n}", 9000) for n in range(40)], [customer("new", 1)]], START + timedelta(days=3))
    for day in days(3):
        make(lake, day)
    assert {name: rows(lake, name, last) for name in names} == before
