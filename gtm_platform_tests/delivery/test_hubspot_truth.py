"""Comparing HubSpot with what was delivered: what a machine broke is set back, what a person wrote is left alone."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import pytest

from gtm_platform.delivery.hubspot.pipeline import deliver
from gtm_platform.delivery.hubspot.plan import DesiredRecord, PlanSlice
from gtm_platform.delivery.hubspot.rules import DeliveryRules
from gtm_platform.delivery.hubspot.sweep import Following, Sweeper
from gtm_platform.delivery.hubspot.truth_table import rows_of, totals_of, true_share
from gtm_platform.http.errors import ApiFailure
from gtm_platform.sandbox.hubspot.store import BY_IMPORT, BY_PEOPLE, BY_WORKFLOW, HubSpotStore
from gtm_platform.state import State, hubspot_sweeps
from gtm_platform.state.hubspot_sweeps import TruthSweep
from gtm_platform_tests.delivery.hubspot_account import (
    DAY,
    UPDATE,
    change,
    contacts,
    journal,
    plan_of,
    read_with_history,
    run,
    value_in,
)
from gtm_platform_tests.delivery.world import NOW, Call, Watched

LATER = NOW + timedelta(hours=3)
SCORE = "gtm_health_score"


def following(desired: Sequence[DesiredRecord]) -> Following:
    """A plan in the order of its ids, as the lake's is."""
    ordered = sorted(desired, key=lambda record: record.object_id)
    ids = [record.object_id for record in ordered]

    def after(object_id: str, limit: int) -> PlanSlice:
        start = bisect_right(ids, object_id)
        return PlanSlice(ordered[start : start + limit], max(0, len(ids) - start - limit))

    return after


def swept(
    api: Watched,
    state: State,
    desired: Sequence[DesiredRecord],
    *,
    number: int = 9,
    calls: int = 100,
    may_heal: int = 50,
    heals: bool = True,
) -> TruthSweep:
    """Go on with the sweep of the day as a run of its own does."""
    with state.reading() as tx:
        sweep = hubspot_sweeps.sweep_of(tx, DAY, "contacts", NOW)
    sweeper = Sweeper(contacts(api), state, run(number), DeliveryRules(day=DAY), 0.0, may_heal, heals=heals)
    sweeper.go_on(sweep, following(desired), calls)
    return sweep


def figures(sweep: TruthSweep) -> dict[str, int]:
    return {name: number for name, number in totals_of([sweep]).items() if number}


@pytest.fixture
def delivered(hubspot_api: Watched, state: State) -> list[DesiredRecord]:
    """Contacts of three batches that HubSpot has as they are to be."""
    desired = plan_of(range(1, 251))
    deliver(desired, contacts(hubspot_api), state, run(1))
    hubspot_api.calls.clear()
    return desired


def test_all_that_was_delivered_is_true(hubspot_api: Watched, state: State, delivered: list[DesiredRecord]) -> None:
    before = journal(state)

    sweep = swept(hubspot_api, state, delivered)

    assert figures(sweep) == {"true": 500}
    assert (true_share([sweep]), sweep.objects, sweep.calls, sweep.finished_at) == (1.0, 250, 3, NOW)
    assert {call.path.rpartition("/")[2] for call in hubspot_api.calls} == {"read"}
    assert len(hubspot_api.calls) == 3
    assert journal(state) == before


@pytest.mark.parametrize(
    ("source", "kind", "name"), [(BY_WORKFLOW, "workflow", "workflowId:5512"), (BY_IMPORT, "import", "importId:77")]
)
def test_what_a_machine_broke_is_seen_with_its_author_and_set_back(
    hubspot_api: Watched,
    portal: HubSpotStore,
    state: State,
    delivered: list[DesiredRecord],
    source: str,
    kind: str,
    name: str,
) -> None:
    change(portal, 7, source, LATER, gtm_health_score="1", gtm_health_status="critical")

    sweep = swept(hubspot_api, state, delivered)

    assert figures(sweep) == {"true": 498, "healed": 2, f"by_{kind}": 2}
    assert (true_share([sweep]), value_in(portal, 7)) == (1.0, "72")
    [row] = journal(state, run_id="run-9", property=SCORE)
    assert (row["status"], row["before"], row["after"]) == ("written", "1", "72")
    assert (row["cause"], row["author"], row["author_at"]) == (kind, name, LATER)
    assert read_with_history(hubspot_api) == {"7"}
    assert deliver(delivered, contacts(hubspot_api), state, run(2)).unchanged == 250


def test_a_batch_is_looked_at_and_set_back_in_one_turn(
    hubspot_api: Watched, portal: HubSpotStore, state: State, delivered: list[DesiredRecord]
) -> None:
    """What another delivery writes between the look and the setting back would be set back, too."""
    turns: list[list[str]] = []

    @contextmanager
    def alone() -> Iterator[None]:
        hubspot_api.calls.clear()
        yield
        turns.append([call.path.rpartition("/")[2] for call in hubspot_api.calls])

    change(portal, 7, BY_WORKFLOW, LATER, gtm_health_score="1")
    with state.reading() as tx:
        sweep = hubspot_sweeps.sweep_of(tx, DAY, "contacts", NOW)
    sweeper = Sweeper(contacts(hubspot_api), state, run(9), DeliveryRules(day=DAY), 0.0, 50, alone=alone)
    sweeper.go_on(sweep, following(delivered), 100)
    assert len(turns) == 3, "a turn for each batch"
    assert [turn for turn in turns if "update" in turn] == [["read", "read", "update", "read"]]


def test_what_a_person_wrote_is_left_alone_and_noted_once(
    hubspot_api: Watched, portal: HubSpotStore, state: State, delivered: list[DesiredRecord]
) -> None:
    change(portal, 7, BY_PEOPLE, LATER, gtm_health_score="99")

    sweep = swept(hubspot_api, state, delivered)

    assert figures(sweep) == {"true": 499, "withheld": 1, "by_person": 1}
    assert true_share([sweep]) == pytest.approx(499 / 500)
    assert value_in(portal, 7) == "99"
    [row] = journal(state, status="held")
    assert (row["cause"], row["author"], row["author_at"]) == ("person", "user 4242", LATER)

    with state.writing() as tx:
        hubspot_sweeps.keep(tx, TruthSweep(DAY, "contacts", NOW, NOW))
    swept(hubspot_api, state, delivered, number=10)
    assert len(journal(state, status="held")) == 1, "nothing is new"
    report = deliver(delivered, contacts(hubspot_api), state, run(2))
    assert (report.held_back, report.unchanged, report.causes) == (1, 249, {"person": 1})


def test_nothing_new_is_delivered(
    hubspot_api: Watched, portal: HubSpotStore, state: State, delivered: list[DesiredRecord]
) -> None:
    change(portal, 2, BY_WORKFLOW, LATER, gtm_health_score="1")
    tomorrow = [*plan_of([1, 2], score="60"), *delivered[2:]]

    sweep = swept(hubspot_api, state, tomorrow)

    assert figures(sweep) == {"true": 498, "late": 2, "by_workflow": 1}
    assert [value_in(portal, n) for n in (1, 2)] == ["72", "1"]
    assert hubspot_api.calls_to(UPDATE) == []


def test_it_goes_on_where_it_stopped_and_counts_everything_once(
    hubspot_api: Watched, portal: HubSpotStore, state: State, delivered: list[DesiredRecord]
) -> None:
    change(portal, 7, BY_PEOPLE, LATER, gtm_health_score="99")
    first = swept(hubspot_api, state, delivered, calls=1)
    assert (first.objects, first.finished_at) == (100, None)

    def fails(call: Call) -> tuple[int, dict[str, str]] | None:
        beginning = call.path.endswith("batch/read") and call.body["inputs"][0]["id"]
        return (400, {"message": "no"}) if beginning == sorted(map(str, range(1, 251)))[200] else None

    hubspot_api.fault = fails
    with pytest.raises(ApiFailure):
        swept(hubspot_api, state, delivered)
    hubspot_api.fault = None
    with state.reading() as tx:
        [kept] = hubspot_sweeps.sweeps(tx, DAY)
    assert (kept.objects, kept.finished_at) == (200, None)

    last = swept(hubspot_api, state, delivered)
    assert (last.objects, last.finished_at) == (250, NOW)
    assert figures(last) == {"true": 499, "withheld": 1, "by_person": 1}
    hubspot_api.calls.clear()
    assert swept(hubspot_api, state, delivered) == last
    assert hubspot_api.calls == []


def test_a_run_makes_no_more_calls_than_it_may(
    hubspot_api: Watched, state: State, delivered: list[DesiredRecord]
) -> None:
    sweep = swept(hubspot_api, state, delivered, calls=2)
    assert (len(hubspot_api.calls), sweep.calls, sweep.objects) == (2, 2, 200)
    with state.reading() as tx:
        assert hubspot_sweeps.calls_since(tx, NOW - timedelta(hours=1)) == 2
        assert hubspot_sweeps.calls_since(tx, NOW + timedelta(hours=1)) == 0


def test_a_workflow_that_changes_everybody_is_reported_and_not_fought(
    hubspot_api: Watched, portal: HubSpotStore, state: State, delivered: list[DesiredRecord]
) -> None:
    for n in range(1, 251):
        change(portal, n, BY_WORKFLOW, LATER, gtm_health_score="1")

    sweep = swept(hubspot_api, state, delivered, may_heal=50)

    assert figures(sweep) == {"true": 250, "broken": 250, "by_workflow": 250}
    assert {value_in(portal, n) for n in range(1, 251)} == {"1"}
    assert hubspot_api.calls_to(UPDATE) == []


def test_without_the_right_to_write_it_only_looks(
    hubspot_api: Watched, portal: HubSpotStore, state: State, delivered: list[DesiredRecord]
) -> None:
    before = journal(state)
    change(portal, 7, BY_WORKFLOW, LATER, gtm_health_score="1")
    change(portal, 8, BY_PEOPLE, LATER, gtm_health_score="99")

    sweep = swept(hubspot_api, state, delivered, heals=False)

    assert figures(sweep) == {"true": 498, "broken": 1, "withheld": 1, "by_person": 1, "by_workflow": 1}
    assert (value_in(portal, 7), journal(state)) == ("1", before)


def test_objects_that_are_gone_hold_nothing_true(
    hubspot_api: Watched, portal: HubSpotStore, state: State, delivered: list[DesiredRecord]
) -> None:
    portal.objects["contacts"]["7"].archived = NOW
    assert figures(swept(hubspot_api, state, delivered)) == {"true": 498, "gone": 2}


def test_the_table_has_a_row_for_each_property(
    hubspot_api: Watched, portal: HubSpotStore, state: State, delivered: list[DesiredRecord]
) -> None:
    change(portal, 7, BY_PEOPLE, LATER, gtm_health_score="99")
    rows = {row["property"]: row for row in rows_of([swept(hubspot_api, state, delivered)]).to_pylist()}
    assert set(rows) == {SCORE, "gtm_health_status"}
    assert (rows[SCORE]["wanted"], rows[SCORE]["true_values"], rows[SCORE]["withheld_values"]) == (250, 249, 1)
    assert (rows[SCORE]["by_person"], rows[SCORE]["finished"]) == (1, True)
