"""A state put back from a backup: the journal is behind HubSpot, and what was written since still counts as ours."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from gtm_platform.delivery.hubspot.pipeline import deliver
from gtm_platform.delivery.hubspot.plan import DesiredRecord
from gtm_platform.delivery.hubspot.report import DeliveryReport
from gtm_platform.sandbox import hubspot
from gtm_platform.sandbox.hubspot.store import BY_PEOPLE, HubSpotStore
from gtm_platform.state import open_state
from gtm_platform_tests.delivery.hubspot_account import change, contacts, journal, plan_of, run, value_in
from gtm_platform_tests.delivery.hubspot_delivery import contact, live, put, untrue
from gtm_platform_tests.delivery.test_hubspot_truth import figures, swept
from gtm_platform_tests.delivery.world import NOW, Watched, served

LATER = NOW + timedelta(hours=3)
PEOPLE = range(1, 11)


@pytest.fixture
def portal() -> HubSpotStore:
    store = HubSpotStore(next_id=1)
    for number in PEOPLE:
        put(store, "contacts", email=f"{number}@acme.example")
    return store


@pytest.fixture
def hubspot_api(portal: HubSpotStore) -> Iterator[Watched]:
    with served(hubspot.app(portal, lambda: NOW)) as watched:
        yield watched


@dataclass
class Home:
    """A home whose state is backed up and put back; each delivery opens it anew."""

    api: Watched
    folder: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'state.db'}"

    def deliver(self, desired: Sequence[DesiredRecord], number: int) -> DeliveryReport:
        with closing(open_state(self.url)) as state:
            return deliver(desired, contacts(self.api), state, run(number))

    def back_up(self) -> None:
        shutil.copy(self.folder / "state.db", self.folder / "backup")

    def put_back(self) -> None:
        for file in self.folder.glob("state.db*"):
            file.unlink()
        shutil.copy(self.folder / "backup", self.folder / "state.db")


@pytest.fixture
def home(hubspot_api: Watched, tmp_path: Path) -> Home:
    """A home from before its second delivery, whose HubSpot has what that wrote."""
    home = Home(hubspot_api, tmp_path)
    home.deliver(plan_of(PEOPLE, score="72"), 1)
    home.back_up()
    home.deliver(plan_of(PEOPLE, score="90"), 2)
    home.put_back()
    hubspot_api.calls.clear()
    return home


@pytest.mark.faults("W11")
def test_what_was_written_since_is_read_and_not_written_again(home: Home, portal: HubSpotStore) -> None:
    report = home.deliver(plan_of(PEOPLE, score="90"), 3)

    assert (report.written, report.unchanged, report.held_back) == (0, 10, 0)
    assert not home.api.calls_to("batch/update")
    with closing(open_state(home.url)) as state:
        assert untrue(state, portal) == []


@pytest.mark.faults("W11")
def test_what_was_written_since_is_no_persons_edit(home: Home, portal: HubSpotStore) -> None:
    report = home.deliver(plan_of(PEOPLE, score="55"), 3)

    assert (report.written, report.held_back) == (10, 0)
    assert {value_in(portal, number) for number in PEOPLE} == {"55"}


@pytest.mark.faults("W11")
def test_what_a_person_wrote_since_is_held(home: Home, portal: HubSpotStore) -> None:
    change(portal, 4, BY_PEOPLE, LATER, gtm_health_score="33")

    report = home.deliver(plan_of(PEOPLE, score="55"), 3)

    assert (report.written, report.held_back) == (9, 1)
    assert value_in(portal, 4) == "33"


@pytest.mark.faults("W11")
def test_what_the_journal_takes_for_unchanged_is_healed_by_the_sweep(home: Home, portal: HubSpotStore) -> None:
    wanted = plan_of(PEOPLE, score="72")
    assert home.deliver(wanted, 3).unchanged == 10

    with closing(open_state(home.url)) as state:
        sweep = swept(home.api, state, wanted)
        assert figures(sweep)["healed"] == 10
        assert {row["cause"] for row in journal(state, run_id="run-9")} == {"integration"}
        assert untrue(state, portal) == []
    assert {value_in(portal, number) for number in PEOPLE} == {"72"}


@pytest.mark.faults("W11")
def test_what_was_created_since_is_not_created_again(home: Home, portal: HubSpotStore) -> None:
    new = [*plan_of(PEOPLE, score="90"), contact(11), contact(12)]
    assert home.deliver(new, 3).created == 2
    home.put_back()

    home.deliver(new, 4)

    assert [len(live(portal, "contacts", email=f"new{number}@acme.example")) for number in (11, 12)] == [1, 1]
    with closing(open_state(home.url)) as state:
        assert untrue(state, portal) == []
