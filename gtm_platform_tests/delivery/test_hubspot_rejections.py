"""What HubSpot refuses: kept in its words, sent again with back-off, or dismissed by a person."""

from datetime import timedelta

import pytest

from gtm_platform.delivery.hubspot.pipeline import deliver
from gtm_platform.delivery.hubspot.plan import DesiredRecord
from gtm_platform.delivery.hubspot.refusals import forget_departed
from gtm_platform.delivery.hubspot.report import DeliveryReport
from gtm_platform.delivery.hubspot.rules import DeliveryRules
from gtm_platform.sandbox.hubspot.store import HubSpotStore
from gtm_platform.state import State, hubspot_rejections
from gtm_platform.state.hubspot_rejections import NoSuchRejection, Rejection
from gtm_platform_tests.delivery.hubspot_account import UPDATE, contacts, journal, plan_of, run, value_in
from gtm_platform_tests.delivery.world import NOW, Watched

HOUR = timedelta(hours=1)
BAD = plan_of([2], score="plenty")


class Deliveries:
    """Runs one delivery after the other, at moments of the test."""

    def __init__(self, api: Watched, state: State) -> None:
        self.api, self.state, self.runs = api, state, 0

    def at(self, hours: int, bad: list[DesiredRecord]) -> DeliveryReport:
        self.runs += 1
        self.api.calls.clear()
        now = NOW + hours * HOUR
        desired = [*plan_of([1]), *bad]
        report = deliver(desired, contacts(self.api), self.state, run(self.runs, now), rules=DeliveryRules(now=now))
        assert report.lost == 0
        return report

    @property
    def sent(self) -> bool:
        return bool(self.api.calls_to(UPDATE))

    def refused(self) -> list[Rejection]:
        with self.state.reading() as tx:
            return hubspot_rejections.rejections(tx)


@pytest.fixture
def deliveries(hubspot_api: Watched, state: State) -> Deliveries:
    return Deliveries(hubspot_api, state)


def test_what_is_refused_is_sent_again_later_and_later(deliveries: Deliveries, state: State) -> None:
    assert deliveries.at(0, BAD).rejected == 1
    [refused] = deliveries.refused()
    assert (refused.object_id, refused.attempts, refused.cause) == ("2", 1, "refused")
    assert "plenty" in refused.reason, "HubSpot's own words"
    assert refused.retry_at == NOW + 20 * HOUR

    report = deliveries.at(19, BAD)
    assert (report.rejected, report.unchanged, deliveries.sent) == (1, 1, False)
    assert deliveries.refused() == [refused]
    assert journal(state, run_id="run-2") == [], "nothing happened"

    assert deliveries.at(20, BAD).rejected == 1
    [again] = deliveries.refused()
    assert (again.attempts, again.first_at, again.retry_at) == (2, NOW, NOW + 64 * HOUR)
    deliveries.at(63, BAD)
    assert not deliveries.sent
    deliveries.at(64, BAD)
    assert deliveries.sent
    assert {row["cause"] for row in journal(state, object_id="2")} == {"refused"}


def test_other_values_are_sent_at_once_and_end_it(deliveries: Deliveries, portal: HubSpotStore) -> None:
    deliveries.at(0, BAD)
    assert deliveries.at(1, plan_of([2], score="60")).written == 1
    assert value_in(portal, 2) == "60"
    assert deliveries.refused() == []


def test_a_person_dismisses_one_or_has_it_sent_again(deliveries: Deliveries, state: State) -> None:
    deliveries.at(0, BAD)
    [refused] = deliveries.refused()
    with state.writing() as tx:
        hubspot_rejections.dismiss(tx, refused.id, "Noor", NOW)
    report = deliveries.at(100, BAD)
    assert (report.held_back, report.rejected, deliveries.sent) == (1, 0, False)

    with state.writing() as tx:
        hubspot_rejections.retry(tx, refused.id, NOW)
    assert deliveries.at(101, BAD).rejected == 1
    assert deliveries.sent
    with state.writing() as tx, pytest.raises(NoSuchRejection, match="number 99"):
        hubspot_rejections.dismiss(tx, 99, "Noor", NOW)


def test_what_was_deleted_is_not_asked_for_in_every_run(deliveries: Deliveries) -> None:
    deleted = plan_of([9999])
    assert deliveries.at(0, deleted).rejected == 1
    assert deliveries.at(1, deleted).rejected == 1
    assert deliveries.api.calls == []
    [refused] = deliveries.refused()
    assert refused.cause == "gone"


def test_what_is_no_longer_to_be_there_is_forgotten(deliveries: Deliveries, state: State) -> None:
    deliveries.at(0, BAD)
    forget_departed("contacts", BAD, state)
    assert len(deliveries.refused()) == 1
    forget_departed("contacts", plan_of([1]), state)
    assert deliveries.refused() == []
