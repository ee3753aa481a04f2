"""Delivery into HubSpot, against a HubSpot on loopback."""

import re
from collections.abc import Iterable, Sequence

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from gtm_platform.delivery.hubspot.client import BatchResult, HubSpotObjects, Input
from gtm_platform.delivery.hubspot.guard import DeliveryStopped, Guard
from gtm_platform.delivery.hubspot.object_types.contacts import OBJECT_TYPE as CONTACTS
from gtm_platform.delivery.hubspot.object_types.contacts import SIGNALS
from gtm_platform.delivery.hubspot.pipeline import deliver
from gtm_platform.delivery.hubspot.plan import DesiredRecord
from gtm_platform.delivery.hubspot.report import DeliveryReport
from gtm_platform.delivery.hubspot.undo import NothingToUndo, undo
from gtm_platform.delivery.hubspot.write import AllRecordsRejected, Run
from gtm_platform.http.errors import ApiFailure, RetriesExhausted, Unauthorized
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sandbox.hubspot import TOKEN
from gtm_platform.sandbox.hubspot.store import HubSpotStore
from gtm_platform.sources.hubspot.client import HubSpotClient, RateLimits
from gtm_platform.state import State
from gtm_platform.state import audit as trail
from gtm_platform.state.schema import hubspot_writes
from gtm_platform_tests.delivery.world import NOW, Call, Watched

UPDATE = "/contacts/batch/update"


class Crash(BaseException):
    """The process dies."""


def run(number: int = 1) -> Run:
    return Run(f"run-{number}", "2026-11-20", lambda: NOW)


def contacts(
    api: Watched, kind: type[HubSpotObjects] = HubSpotObjects, token: str = TOKEN, retry: RetryPolicy | None = None
) -> HubSpotObjects:
    retry = retry or RetryPolicy(budget=10, sleep=lambda _: None, random=lambda: 1.0)
    limiter = RateLimiter(10_000, 10_000, now=retry.now, sleep=retry.sleep)
    return kind(HubSpotClient(SecretStr(token), api.url, retry=retry, limits=RateLimits(limiter, limiter)), CONTACTS)


def plan_of(ids: Iterable[int], score: str = "72", signals: str = "", **more: str) -> list[DesiredRecord]:
    values = {"gtm_health_score": score, "gtm_health_status": "healthy", "gtm_risk_signals": signals, **more}
    provenance = dict.fromkeys(values, "{}")
    return [DesiredRecord(f"cust-{n}", str(n), values, provenance) for n in ids]


def value_in(portal: HubSpotStore, id: int, name: str = "gtm_health_score") -> str | None:
    return portal.objects["contacts"][str(id)].properties.get(name)


def edit(portal: HubSpotStore, id: int, **values: str) -> None:
    portal.objects["contacts"][str(id)].properties.update(values)


def journal(state: State, **values: str) -> list[sa.RowMapping]:
    rows = sa.select(hubspot_writes).filter_by(**values).order_by(hubspot_writes.c.id)
    with state.reading() as tx:
        return list(tx.execute(rows).mappings())


def looked_at(api: Watched) -> set[str]:
    return {each["id"] for call in api.calls_to("batch/read") for each in call.body["inputs"]}


def counts(report: DeliveryReport) -> tuple[int, int, int, int]:
    return report.written, report.unchanged, report.held_back, report.rejected


def test_the_first_delivery_defines_the_properties_and_writes_all(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    report = deliver(plan_of(range(1, 251), signals="cancel;late"), contacts(hubspot_api), state, run())

    assert counts(report) == (250, 0, 0, 0)
    assert report.fields_written == 750
    assert len(hubspot_api.calls_to(UPDATE)) == 3
    assert {value_in(portal, n) for n in range(1, 251)} == {"72"}
    definition = portal.properties["contacts"]["gtm_risk_signals"]
    assert [option["value"] for option in definition["options"]] == [*SIGNALS, "cancel", "late"]
    assert portal.groups["contacts"]["gtm"]["label"] == "GTM platform"
    row = journal(state, object_id="7", property="gtm_health_score")[0]
    assert (row["status"], row["before"], row["after"], row["receipt_at"]) == ("written", "", "72", NOW)
    with state.reading() as tx:
        assert trail.entries(tx, "hubspot.write")[0]["detail"]["written"] == 250


@pytest.mark.faults("D10")
def test_the_same_again_asks_and_writes_nothing(hubspot_api: Watched, state: State) -> None:
    deliver(plan_of(range(1, 251)), contacts(hubspot_api), state, run(1))
    hubspot_api.calls.clear()

    report = deliver(plan_of(range(1, 251)), contacts(hubspot_api), state, run(2))

    assert counts(report) == (0, 250, 0, 0)
    assert hubspot_api.calls == []
    assert journal(state, run_id="run-2") == []


def test_only_what_is_to_be_otherwise_is_looked_at(hubspot_api: Watched, state: State) -> None:
    deliver(plan_of(range(1, 251)), contacts(hubspot_api), state, run(1))
    hubspot_api.calls.clear()

    report = deliver(plan_of(range(1, 250)) + plan_of([250], score="50"), contacts(hubspot_api), state, run(2))

    assert counts(report) == (1, 249, 0, 0)
    assert looked_at(hubspot_api) == {"250"}


def test_the_same_again_is_told_the_same_of_what_was_not_written(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    deliver(plan_of([20]), contacts(hubspot_api), state, run(0))  # which makes the properties
    edit(portal, 11, gtm_health_score="1")
    claimed_twice = [*plan_of([12]), plan_of([12])[0]._replace(subject_id="cust-other")]
    desired = [*plan_of(range(1, 12)), *claimed_twice, *plan_of([9999])]
    assert counts(deliver(desired, contacts(hubspot_api), state, run(1))) == (11, 0, 0, 3)
    for number in (2, 3):
        hubspot_api.calls.clear()
        assert counts(deliver(desired, contacts(hubspot_api), state, run(number))) == (0, 10, 1, 3)
        assert looked_at(hubspot_api) == {"11", "9999"}


ALIKE = plan_of([1, 2], signals="late", gtm_mrr="10.5")


@pytest.mark.parametrize(
    ("next_day", "looked", "counted"),
    [
        ([*ALIKE, *plan_of([3], signals="late", gtm_mrr="10.51")], {"3"}, (1, 2, 0, 0)),
        ([*ALIKE, *plan_of([3], gtm_mrr="10.5")], {"3"}, (1, 2, 0, 0)),
        ([*ALIKE, *plan_of([3], signals="late")], set(), (0, 3, 0, 0)),
        ([*ALIKE, *plan_of([3, 4], signals="late", gtm_mrr="10.5")], {"4"}, (1, 3, 0, 0)),
        (ALIKE, set(), (0, 2, 0, 0)),
        ([*ALIKE, *plan_of([4], signals="late", gtm_mrr="10.5")], {"4"}, (1, 2, 0, 0)),
        ([*ALIKE, *ALIKE[1:]], set(), (0, 1, 0, 2)),
    ],
    ids=["a cent", "cleared", "no longer known", "one more", "one less", "another one", "claimed twice"],
)
def test_what_differs_from_the_day_before_is_looked_at_and_nothing_else(
    next_day: Sequence[DesiredRecord],
    looked: set[str],
    counted: tuple[int, int, int, int],
    hubspot_api: Watched,
    state: State,
) -> None:
    deliver([*ALIKE, *plan_of([3], signals="late", gtm_mrr="10.5")], contacts(hubspot_api), state, run(1))
    hubspot_api.calls.clear()

    assert counts(deliver(next_day, contacts(hubspot_api), state, run(2))) == counted
    assert looked_at(hubspot_api) == looked


@pytest.mark.faults("D12")
def test_an_empty_value_that_was_never_written_needs_no_look(hubspot_api: Watched, state: State) -> None:
    nothing = DesiredRecord("cust-1", "1", {"gtm_risk_signals": ""}, {"gtm_risk_signals": "{}"})
    assert counts(deliver([nothing], contacts(hubspot_api), state, run(1))) == (0, 1, 0, 0)
    assert hubspot_api.calls == []


@pytest.mark.faults("D13")
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"gtm_health_score": "72"}, {"gtm_health_score": "72.0"}),
        ({"gtm_risk_signals": "a;b"}, {"gtm_risk_signals": "b;a"}),
    ],
)
def test_values_compare_as_hubspot_compares_them(
    hubspot_api: Watched, portal: HubSpotStore, state: State, ours: dict[str, str], theirs: dict[str, str]
) -> None:
    desired = [plan_of([1])[0]._replace(values=ours)]
    deliver(desired, contacts(hubspot_api), state, run(1))
    edit(portal, 1, **theirs)

    more = [plan_of([1], gtm_mrr="5")[0]._replace(values={**ours, "gtm_mrr": "5"})]
    report = deliver(more, contacts(hubspot_api), state, run(2))
    assert (report.written, report.fields_written, report.fields_held_back) == (1, 1, 0)


@pytest.mark.faults("D4")
def test_an_option_is_added_beside_those_that_people_made(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    deliver(plan_of([1], signals="late"), contacts(hubspot_api), state, run(1))
    by_hand = {"label": "Mine", "value": "mine", "displayOrder": 9, "hidden": False}
    portal.properties["contacts"]["gtm_risk_signals"]["options"].append(by_hand)

    deliver(plan_of([1], signals="cancel;late"), contacts(hubspot_api), state, run(2))

    options = portal.properties["contacts"]["gtm_risk_signals"]["options"]
    assert [option["value"] for option in options] == [*SIGNALS, "late", "mine", "cancel"]
    assert set((value_in(portal, 1, "gtm_risk_signals") or "").split(";")) == {"cancel", "late"}


@pytest.mark.faults("D4")
def test_a_number_property_gets_no_options_whatever_its_values(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    for number in (1, 2):
        deliver(plan_of([1], score=f"{50 + number}", gtm_mrr=f"{number}.5"), contacts(hubspot_api), state, run(number))

    assert value_in(portal, 1, "gtm_mrr") == "2.5"
    sent = [call.body for call in hubspot_api.calls if call.path.startswith("/crm/v3/properties") and call.body]
    assert {body["name"] for body in sent if body.get("options")} == {"gtm_health_status", "gtm_risk_signals"}
    assert not any(call.method == "PATCH" for call in hubspot_api.calls)


@pytest.mark.faults("D10")
def test_a_persons_edit_is_held_and_the_rest_of_the_record_goes_on(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    deliver(plan_of([1, 2, 3]), contacts(hubspot_api), state, run(1))
    edit(portal, 2, gtm_health_score="99")
    edit(portal, 3, gtm_health_score="")

    report = deliver(plan_of([1, 2, 3], score="60", gtm_mrr="10"), contacts(hubspot_api), state, run(2))

    assert counts(report) == (3, 0, 0, 0)
    assert (report.fields_held_back, report.fields_written) == (2, 4)
    assert [value_in(portal, n) for n in (1, 2, 3)] == ["60", "99", ""]
    assert "from our '72' to '99'" in journal(state, status="held")[0]["reason"]
    assert counts(deliver(plan_of([1, 2, 3], score="55", gtm_mrr="10"), contacts(hubspot_api), state, run(3))) == (
        1,
        0,
        2,
        0,
    )


@pytest.mark.faults("D10")
def test_a_held_value_is_handed_over_by_setting_it_back(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    deliver(plan_of([1]), contacts(hubspot_api), state, run(1))
    edit(portal, 1, gtm_health_score="99")
    deliver(plan_of([1], score="60"), contacts(hubspot_api), state, run(2))
    edit(portal, 1, gtm_health_score="72")

    deliver(plan_of([1], score="60"), contacts(hubspot_api), state, run(3))

    assert value_in(portal, 1) == "60"


@pytest.mark.faults("D10")
def test_a_value_that_stood_there_before_us_is_held_until_both_agree(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    deliver(plan_of([2]), contacts(hubspot_api), state, run(0))
    edit(portal, 1, gtm_health_score="40")
    report = deliver(plan_of([1]), contacts(hubspot_api), state, run(1))
    assert (report.written, report.fields_held_back, value_in(portal, 1)) == (1, 1, "40")

    deliver(plan_of([1], score="40"), contacts(hubspot_api), state, run(2))
    deliver(plan_of([1], score="41"), contacts(hubspot_api), state, run(3))

    assert value_in(portal, 1) == "41"


@pytest.mark.faults("D11")
def test_a_deleted_contact_is_rejected_and_not_made_again(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    portal.objects["contacts"]["2"].archived = NOW

    report = deliver(plan_of([1, 2, 9999]), contacts(hubspot_api), state, run())

    assert counts(report) == (1, 0, 0, 2)
    assert all("deleted or merged" in reason for reason in report.reasons)
    assert len(portal.objects["contacts"]) == 250


@pytest.mark.faults("D1", "D11")
def test_a_contact_deleted_between_the_look_and_the_write_is_rejected(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    def deletes(call: Call) -> None:
        if call.path.endswith(UPDATE):
            portal.objects["contacts"]["2"].archived = NOW

    hubspot_api.fault = deletes
    report = deliver(plan_of([1, 2, 3]), contacts(hubspot_api), state, run())

    assert counts(report) == (2, 0, 0, 1)
    assert {row["status"] for row in journal(state, object_id="2")} == {"rejected"}


def test_a_contact_that_two_customers_claim_is_left_alone(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    twice = [*plan_of([1, 2]), plan_of([2])[0]._replace(subject_id="cust-other")]

    report = deliver(twice, contacts(hubspot_api), state, run())

    assert counts(report) == (1, 0, 0, 2)
    assert value_in(portal, 2) is None


@pytest.mark.faults("D1", "D2")
def test_one_bad_value_among_a_hundred_is_rejected_alone(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    bad = plan_of([57], score="plenty")
    report = deliver([*plan_of(range(1, 57)), *bad, *plan_of(range(58, 101))], contacts(hubspot_api), state, run())

    assert counts(report) == (99, 0, 0, 1)
    assert report.reasons[0].startswith("contact 57: ")
    assert value_in(portal, 58) == "72"


@pytest.mark.faults("D2", "D3")
@pytest.mark.parametrize("status", [400, 409])
def test_a_batch_refused_for_one_record_is_split_until_that_stands_alone(
    hubspot_api: Watched, portal: HubSpotStore, state: State, status: int
) -> None:
    def conflict(call: Call) -> tuple[int, dict[str, str]] | None:
        guilty = call.path.endswith(UPDATE) and any(each["id"] == "57" for each in call.body["inputs"])
        return (status, {"message": "Contact already exists. Existing ID: 12345"}) if guilty else None

    hubspot_api.fault = conflict
    report = deliver(plan_of(range(1, 101)), contacts(hubspot_api), state, run())

    assert counts(report) == (99, 0, 0, 1)
    assert "Existing ID: 12345" in report.reasons[0]
    assert value_in(portal, 57) is None
    assert len(hubspot_api.calls_to(UPDATE)) <= 15


def test_a_hubspot_that_refuses_everything_is_not_asked_a_thousand_times(hubspot_api: Watched, state: State) -> None:
    with pytest.raises(AllRecordsRejected, match="each of 100 contacts"):
        deliver(plan_of(range(1, 251), score="plenty"), contacts(hubspot_api), state, run())
    assert len(hubspot_api.calls_to(UPDATE)) == 1


@pytest.mark.faults("D1")
def test_a_207_whose_errors_name_no_record_is_settled_by_reading(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    def mute(call: Call) -> tuple[int, dict[str, object]] | None:
        if not call.path.endswith(UPDATE):
            return None
        edit(portal, 1, gtm_health_score="72", gtm_health_status="healthy")
        return 207, {"status": "COMPLETE", "results": [], "numErrors": 1, "errors": [{"message": "Something"}]}

    hubspot_api.fault = mute
    report = deliver(plan_of([1, 2]), contacts(hubspot_api), state, run())

    assert counts(report) == (1, 0, 0, 1)
    hubspot_api.fault = None
    assert counts(deliver(plan_of([1, 2]), contacts(hubspot_api), state, run(2))) == (1, 1, 0, 0)


@pytest.mark.faults("D6")
def test_success_that_kept_nothing_is_found_out_and_repaired(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    deliver(plan_of([1], score="50"), contacts(hubspot_api), state, run(1))

    def lies(call: Call) -> tuple[int, dict[str, object]] | None:
        if not call.path.endswith(UPDATE):
            return None
        kept = {"id": "1", "properties": {}, "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z"}
        return 200, {"status": "COMPLETE", "results": [kept]}

    hubspot_api.fault = lies
    assert counts(deliver(plan_of([1]), contacts(hubspot_api), state, run(2))) == (0, 0, 0, 1)
    hubspot_api.fault = None
    assert counts(deliver(plan_of([1]), contacts(hubspot_api), state, run(3))) == (1, 0, 0, 0)
    assert value_in(portal, 1) == "72"


class DiesAfterTheCall(HubSpotObjects):
    def update(self, inputs: Sequence[Input]) -> BatchResult:
        super().update(inputs)
        raise Crash


class DiesBeforeTheCall(HubSpotObjects):
    def update(self, inputs: Sequence[Input]) -> BatchResult:  # noqa: ARG002
        raise Crash


@pytest.mark.faults("D7", "D8")
@pytest.mark.parametrize(("dying", "first", "second"), [(DiesAfterTheCall, 1, 0), (DiesBeforeTheCall, 0, 1)])
def test_a_crash_around_the_call_ends_with_one_effect(
    hubspot_api: Watched,
    portal: HubSpotStore,
    state: State,
    dying: type[HubSpotObjects],
    first: int,
    second: int,
) -> None:
    deliver(plan_of([1, 2], score="50"), contacts(hubspot_api), state, run(1))
    hubspot_api.calls.clear()
    with pytest.raises(Crash):
        deliver(plan_of([1, 2]), contacts(hubspot_api, dying), state, run(2))
    assert {row["status"] for row in journal(state, run_id="run-2")} == {"intent"}
    assert len(hubspot_api.calls_to(UPDATE)) == first
    hubspot_api.calls.clear()

    report = deliver(plan_of([1, 2]), contacts(hubspot_api), state, run(3))

    assert counts(report) == ((0, 2, 0, 0) if first else (2, 0, 0, 0))
    assert len(hubspot_api.calls_to(UPDATE)) == second
    assert value_in(portal, 1) == "72"
    assert counts(deliver(plan_of([1, 2], score="60"), contacts(hubspot_api), state, run(4))) == (2, 0, 0, 0)


@pytest.mark.faults("D7")
def test_what_a_crashed_run_wrote_is_ours_even_if_the_score_moved_on(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    deliver(plan_of([1], score="50"), contacts(hubspot_api), state, run(1))
    with pytest.raises(Crash):
        deliver(plan_of([1]), contacts(hubspot_api, DiesAfterTheCall), state, run(2))

    assert counts(deliver(plan_of([1], score="61"), contacts(hubspot_api), state, run(3))) == (1, 0, 0, 0)
    assert value_in(portal, 1) == "61"


@pytest.mark.faults("D5")
@pytest.mark.parametrize(("status", "error"), [(401, Unauthorized), (503, RetriesExhausted)])
def test_trouble_in_the_middle_keeps_what_is_done_and_the_next_run_ends_it(
    hubspot_api: Watched, state: State, status: int, error: type[ApiFailure]
) -> None:
    def second_batch_fails(call: Call) -> tuple[int, dict[str, str]] | None:
        failing = call.path.endswith(UPDATE) and call.body["inputs"][0]["id"] == "101"
        return (status, {"message": "not now"}) if failing else None

    hubspot_api.fault = second_batch_fails
    with pytest.raises(error, match=str(status)):
        deliver(plan_of(range(1, 251)), contacts(hubspot_api), state, run(1))
    assert len(journal(state, status="written", property="gtm_health_score")) == 100
    assert len(journal(state, status="unknown", property="gtm_health_score")) == 100

    hubspot_api.fault = None
    assert counts(deliver(plan_of(range(1, 251)), contacts(hubspot_api), state, run(2))) == (150, 100, 0, 0)


@pytest.mark.faults("D5")
def test_a_passing_limit_is_waited_out(hubspot_api: Watched, state: State) -> None:
    answers = iter([(429, {"policyName": "TEN_SECONDLY_ROLLING"}), (502, {"message": "bad gateway"})])

    def twice(call: Call) -> tuple[int, dict[str, str]] | None:
        return next(answers, None) if call.path.endswith(UPDATE) else None

    hubspot_api.fault = twice
    waited: list[float] = []
    retry = RetryPolicy(now=lambda: sum(waited), sleep=waited.append, random=lambda: 1.0)

    assert counts(deliver(plan_of([1]), contacts(hubspot_api, retry=retry), state, run())) == (1, 0, 0, 0)
    assert sum(waited) >= 10


@pytest.mark.faults("D6")
def test_a_write_whose_answer_was_lost_is_made_again_with_one_effect(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    lost = iter([True])

    def applied_but_not_answered(call: Call) -> tuple[int, dict[str, str]] | None:
        if not call.path.endswith(UPDATE) or not next(lost, False):
            return None
        edit(portal, 1, gtm_health_score="72", gtm_health_status="healthy")
        return 504, {"message": "gateway timeout"}

    hubspot_api.fault = applied_but_not_answered
    assert counts(deliver(plan_of([1]), contacts(hubspot_api), state, run(1))) == (1, 0, 0, 0)
    assert value_in(portal, 1) == "72"
    assert {row["status"] for row in journal(state)} == {"written"}


@pytest.mark.faults("S4")
def test_the_daily_limit_ends_the_run_with_a_sentence(hubspot_api: Watched, state: State) -> None:
    hubspot_api.fault = lambda _: (429, {"policyName": "DAILY"})
    with pytest.raises(RetriesExhausted, match="daily limit of calls is used up"):
        deliver(plan_of([1]), contacts(hubspot_api), state, run())
    assert len(hubspot_api.calls) == 1


def test_a_wrong_token_is_a_sentence_without_the_token(hubspot_api: Watched, state: State) -> None:
    wrong = contacts(hubspot_api, token="pat-na1-secret-of-mine")
    with pytest.raises(Unauthorized, match="HUBSPOT_ACCESS_TOKEN") as caught:
        deliver(plan_of([1]), wrong, state, run())
    assert "secret-of-mine" not in f"{caught.value!r} {wrong.client!r}"


@pytest.mark.faults("D14")
def test_rewriting_more_than_the_policy_allows_stops(hubspot_api: Watched, portal: HubSpotStore, state: State) -> None:
    guard = Guard(share=0.5, min_records=3)
    everybody = deliver(plan_of(range(1, 11)), contacts(hubspot_api), state, run(1), guard)
    assert everybody.written == 10

    with pytest.raises(DeliveryStopped, match=re.escape("6 of 10 contacts would change, more than the 50%")):
        deliver(
            [*plan_of(range(1, 7), score="1"), *plan_of(range(7, 11))],
            contacts(hubspot_api),
            state,
            run(2),
            guard,
        )
    assert {value_in(portal, n) for n in range(1, 11)} == {"72"}

    assert deliver(plan_of(range(1, 11), gtm_mrr="5"), contacts(hubspot_api), state, run(3), guard).written == 10
    few = deliver([*plan_of([1, 2, 3], score="1")], contacts(hubspot_api), state, run(4), guard)
    assert few.written == 3


@pytest.mark.faults("D14")
def test_a_dry_run_tells_every_field_and_touches_nothing(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    deliver(plan_of([1, 2]), contacts(hubspot_api), state, run(1))
    edit(portal, 2, gtm_health_score="99")
    before = journal(state)
    hubspot_api.calls.clear()

    report = deliver(plan_of([1, 2, 9999], score="60"), contacts(hubspot_api), state, run(2), dry_run=True)

    assert counts(report) == (0, 0, 1, 1)
    assert report.waiting == 1
    assert "contact 1 (cust-1): gtm_health_score: '72' -> '60'" in report.text()
    assert "contact 2 (cust-2): held: gtm_health_score was changed" in report.text()
    assert "contact 9999 (cust-9999): rejected" in report.text()
    assert journal(state) == before
    assert {(call.method, call.path.rpartition("/")[2]) for call in hubspot_api.calls} == {
        ("GET", "contacts"),
        ("POST", "read"),
    }


def test_undo_restores_what_was_before_but_not_over_a_persons_edit(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    deliver(plan_of([1, 2, 3], score="50"), contacts(hubspot_api), state, run(1))
    deliver(plan_of([1, 2, 3, 4], score="60"), contacts(hubspot_api), state, run(2))
    deliver(plan_of([3], score="61"), contacts(hubspot_api), state, run(3))
    edit(portal, 2, gtm_health_score="99")

    report = undo("run-2", contacts(hubspot_api), state, run(4))

    assert counts(report) == (2, 0, 1, 0)
    assert [value_in(portal, n) for n in (1, 2, 3, 4)] == ["50", "99", "61", None]
    assert counts(undo("run-2", contacts(hubspot_api), state, run(5))) == (0, 0, 1, 0)
    with pytest.raises(NothingToUndo, match="Run run-9 wrote nothing"):
        undo("run-9", contacts(hubspot_api), state, run(6))


def test_what_was_undone_is_written_again_by_the_same_day(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    deliver(plan_of([1, 2]), contacts(hubspot_api), state, run(1))
    deliver(plan_of([1, 2], score="60"), contacts(hubspot_api), state, run(2))
    undo("run-2", contacts(hubspot_api), state, run(3))
    assert value_in(portal, 1) == "72"

    assert counts(deliver(plan_of([1, 2]), contacts(hubspot_api), state, run(4))) == (0, 2, 0, 0)
    assert counts(deliver(plan_of([1, 2], score="60"), contacts(hubspot_api), state, run(5))) == (2, 0, 0, 0)
    assert value_in(portal, 1) == "60"
