"""Each customer at risk, and each company, gets each task and tag once, however often it is killed; people's stay."""

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.delivery.actions.perform import ActionReport, Performer, plan, take_back
from gtm_platform.delivery.actions.targets import Target, targets_of
from gtm_platform.http.errors import ApiFailure
from gtm_platform.policy import Actions
from gtm_platform.policy.actions import Action
from gtm_platform.sandbox import hubspot, intercom
from gtm_platform.sandbox.hubspot.access import Limits
from gtm_platform.sandbox.hubspot.store import HubSpotRecord, HubSpotStore
from gtm_platform.sandbox.intercom.store import IntercomCompany, IntercomContact, IntercomStore
from gtm_platform.sandbox.intercom.writing import replay
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.state import State
from gtm_platform.state.actions import deeds_of_run, newest
from gtm_platform_tests.delivery.actions.killed import (
    COMPANY_TAG,
    TAG,
    TASK,
    company_tags,
    perform_all,
    tags,
    target,
    tasks,
)
from gtm_platform_tests.delivery.killed_delivery import quick_state
from gtm_platform_tests.delivery.world import NOW, Call, Watched, served

OPENED: Mapping[str, Callable[[str], AbstractContextManager[Any]]] = {
    "hubspot_task": tasks,
    "intercom_tag": tags,
    "intercom_company_tag": company_tags,
}


@dataclass
class Room:
    """A HubSpot and an Intercom of three contacts each, and a state."""

    portal: HubSpotStore
    workspace: IntercomStore
    hubspot_api: Watched
    intercom_api: Watched
    state: State
    writes: list[dict[str, Any]]

    def perform(self, rule: Action, targets: dict[str, Target], run: str = "run-1") -> ActionReport:
        url = self.hubspot_api.url if rule.does == "hubspot_task" else self.intercom_api.url
        with OPENED[rule.does](url) as system:
            return Performer(rule, system, self.state, run, "2026-11-20", lambda: NOW).perform(targets)

    @property
    def tasks(self) -> list[HubSpotRecord]:
        return [each for each in self.portal.objects.get("tasks", {}).values() if not each.archived]

    def tagged(self) -> list[str]:
        """The contacts with the tag of the rule."""
        ids = [id for id, name in self.workspace.tags.items() if name == TAG.text]
        return [contact.id for contact in self.workspace.contacts.values() if set(ids) & set(contact.tags)]

    def tagged_companies(self) -> list[str]:
        """The companies with the tag of the rule about companies."""
        ids = [id for id, name in self.workspace.tags.items() if name == COMPANY_TAG.text]
        return [id for id, company in self.workspace.companies.items() if set(ids) & set(company.tags)]


def companies_of_intercom() -> dict[str, IntercomCompany]:
    return {f"co{n}": IntercomCompany(f"co{n}", f"ours{n}", f"Firm {n}", NOW, NOW) for n in (1, 2, 3)}


@pytest.fixture
def room(state: State) -> Iterator[Room]:
    contacts = {str(n): HubSpotRecord(str(n), {}, NOW, NOW) for n in (1, 2, 3)}
    portal = HubSpotStore(objects={"contacts": contacts}, next_id=1000)
    people = {f"ic{n}": IntercomContact(f"ic{n}", "user", None, None, NOW, NOW) for n in (1, 2, 3)}
    workspace = IntercomStore(contacts=people, companies=companies_of_intercom())
    writes = list[dict[str, Any]]()
    with ExitStack() as stack:
        hubspot_app = hubspot.app(portal, lambda: NOW, limits=Limits(burst=Limit(100_000, 10)))
        hubspot_api = stack.enter_context(served(hubspot_app))
        intercom_api = stack.enter_context(served(intercom.app(workspace, lambda: NOW, persist=writes.append)))
        yield Room(portal, workspace, hubspot_api, intercom_api, state, writes)


def at_risk(*numbers: int, prefix: str = "") -> dict[str, Target]:
    return {f"c{n}": target(n, f"{prefix}{n}", mrr=100.0 * n) for n in numbers}


def test_a_task_is_made_once_for_each_time_that_a_customer_is_at_risk(room: Room) -> None:
    assert room.perform(TASK, at_risk(1, 2)).done == 2
    assert room.perform(TASK, at_risk(1, 2)).done == 0
    [first, _] = sorted(room.tasks, key=lambda each: str(each.properties["hs_task_body"]))
    assert first.properties["hs_task_subject"] == "At risk"
    assert first.properties["hs_timestamp"] == "2026-11-22T06:00:00.000Z"
    assert "Health: critical, score 12, churn risk 80 %.<br>• Call &lt;them&gt;<br>" in str(
        first.properties["hs_task_body"]
    )
    assert {id for each in room.tasks for id in each.links["contacts"]} == {"1", "2"}

    assert room.perform(TASK, at_risk(2)).ended == 1
    assert len(room.tasks) == 2, "a task stays for whoever has it to close"
    assert room.perform(TASK, at_risk(1, 2)).done == 1
    assert len(room.tasks) == 3


def test_a_tag_is_put_on_and_taken_off_and_one_of_a_person_stays(room: Room) -> None:
    room.workspace.tags["7"] = "At Risk"
    room.workspace.contacts["ic1"].tags.append("7")
    report = room.perform(TAG, at_risk(1, 2, prefix="ic"))
    assert (report.done, report.present) == (1, 1)
    assert room.workspace.contacts["ic2"].tags == ["7"], "names differ by more than case"
    assert room.perform(TAG, {}).ended == 2
    assert [room.workspace.contacts[id].tags for id in ("ic1", "ic2")] == [["7"], []]


def test_a_company_has_a_tag_as_long_as_the_rule_holds_of_it_and_one_of_a_person_stays(room: Room) -> None:
    room.workspace.tags["7"] = "In Market"
    room.workspace.companies["co1"].tags.append("7")
    report = room.perform(COMPANY_TAG, at_risk(1, 2, 9, prefix="co"))
    assert (report.done, report.present, len(report.refused)) == (1, 1, 1), "co9 is none of Intercom's"
    assert room.workspace.companies["co2"].tags == ["7"]
    room.workspace.tags["7"] = "Renamed"
    assert room.perform(COMPANY_TAG, {}).ended == 2
    assert [room.workspace.companies[id].tags for id in ("co1", "co2")] == [["7"], []]

    room.perform(COMPANY_TAG, at_risk(3, prefix="co"), "run-2")
    with room.state.reading() as tx:
        deeds = deeds_of_run(tx, "run-2")
    del room.workspace.companies["co3"]
    with company_tags(room.intercom_api.url) as in_intercom:
        assert take_back(deeds, lambda _: in_intercom, room.state, NOW) == [], "a company that is gone has no tag"


def test_which_companies_a_rule_is_about() -> None:
    usual = {"company_id": "com_1", "intercom_company_id": "co1", "chroma_cloud_mrr": None}
    usual |= {"customer_cohort": "cohort_2_in_market", "signal_strength": "strong"}
    assert set(targets_of(COMPANY_TAG, [], [usual])) == {"com_1"}
    for other in ({"customer_cohort": None}, {"signal_strength": "weak"}):
        assert targets_of(COMPANY_TAG, [], [usual | other]) == {}
    paying = COMPANY_TAG.model_copy(update={"min_mrr": 1, "strengths": ()})
    assert targets_of(paying, [], [usual]) == {}
    assert set(targets_of(paying, [], [usual | {"chroma_cloud_mrr": 5, "signal_strength": None}])) == {"com_1"}
    told = {"name": "x", "text": "y"}
    for wrong in (
        {"does": "intercom_company_tag"},
        {"does": "intercom_company_tag", "cohorts": ["cohort_2_in_market"], "health": ["critical"]},
        {"does": "intercom_tag", "cohorts": ["cohort_2_in_market"]},
    ):
        with pytest.raises(ValueError, match="action x is done for"):
            Action.model_validate(told | wrong)


def test_no_more_than_the_policy_says_are_done_in_a_run_those_who_pay_most_first(room: Room) -> None:
    few = TASK.model_copy(update={"at_most": 2})
    report = room.perform(few, at_risk(1, 2, 3))
    assert (report.done, report.waiting) == (2, 1)
    assert {id for each in room.tasks for id in each.links["contacts"]} == {"2", "3"}
    assert room.perform(few, at_risk(1, 2, 3)).done == 1


def test_without_an_answer_it_is_looked_up_before_it_is_done_again(room: Room) -> None:
    answered: list[Call] = []

    def lose(call: Call) -> tuple[int, dict[str, Any]] | None:
        if call.method == "POST" and call.path.endswith("/objects/tasks") and not answered:
            answered.append(call)
            return 502, {}
        return None

    room.hubspot_api.fault = lose  # before HubSpot did it
    with pytest.raises(ApiFailure):
        room.perform(TASK, at_risk(1))
    assert (room.perform(TASK, at_risk(1)).done, len(room.tasks)) == (1, 1)


def test_what_is_refused_is_said_and_the_others_are_done(room: Room) -> None:
    del room.workspace.contacts["ic2"]
    report = room.perform(TAG, at_risk(1, 2, 3, prefix="ic"))
    assert (report.done, len(report.refused)) == (2, 1)
    assert report.refused[0].startswith("c2: Intercom answered 404")
    assert room.tagged() == ["ic1", "ic3"]


def test_it_is_taken_back_but_for_what_a_person_went_on_with(room: Room) -> None:
    room.perform(TASK, at_risk(1, 2))
    room.perform(TAG, at_risk(1, prefix="ic"))
    begun = next(each for each in room.tasks if "1" in each.links["contacts"])
    begun.write({"hs_task_status": "IN_PROGRESS"}, NOW)
    with room.state.reading() as tx:
        deeds = deeds_of_run(tx, "run-")

    with tasks(room.hubspot_api.url) as in_hubspot, tags(room.intercom_api.url) as in_intercom:
        systems: dict[str, Any] = {"hubspot_task": in_hubspot, "intercom_tag": in_intercom}
        stays = take_back(deeds, lambda deed: systems[deed.does], room.state, NOW)
    assert [each.partition(":")[0] for each in stays] == ["c1"]
    assert [each.id for each in room.tasks] == [begun.id]
    assert room.tagged() == []
    assert room.perform(TASK, at_risk(1, 2)).done == 0, "what a person took back is not done again"
    assert room.perform(TAG, at_risk(1, prefix="ic")).done == 0
    room.perform(TAG, {})
    assert room.perform(TAG, at_risk(1, prefix="ic")).done == 1, "the next time that the customer is at risk"


def test_a_dry_look_changes_nothing(room: Room) -> None:
    todo = plan(TASK, at_risk(1, 2), room.state)
    assert [each.subject_id for each in todo.new] == ["c2", "c1"]
    with room.state.reading() as tx:
        assert newest(tx, 10) == []
    assert room.tasks == []


def test_whom_a_rule_is_about() -> None:
    def row(**more: Any) -> dict[str, Any]:
        usual = {"customer_id": "c1", "health_status": "critical", "health_score": 9, "churn_risk": None}
        usual |= {"mrr_reporting": 500, "hubspot_contact_id": "1", "recommended_actions": None}
        return usual | more

    rule = TASK.model_copy(update={"min_mrr": 500})
    assert set(targets_of(rule, [row()])) == {"c1"}
    for other in ({"health_status": "at_risk"}, {"mrr_reporting": 499.99}, {"hubspot_contact_id": None}):
        assert targets_of(rule, [row(**other)]) == {}
    with pytest.raises(ValueError, match="two actions are called task"):
        Actions(rules=(TASK, TASK))


def test_a_restarted_sandbox_has_its_tags(room: Room) -> None:
    room.perform(TAG, at_risk(1, 2, prefix="ic"))
    room.perform(COMPANY_TAG, at_risk(1, 2, prefix="co"))
    room.perform(COMPANY_TAG, at_risk(1, prefix="co"))
    people = {f"ic{n}": IntercomContact(f"ic{n}", "user", None, None, NOW, NOW) for n in (1, 2, 3)}
    again = IntercomStore(contacts=people, companies=companies_of_intercom())
    for write in room.writes:
        replay(again, write, NOW)
    assert (again.tags, again.contacts) == (room.workspace.tags, room.workspace.contacts)
    assert again.companies == room.workspace.companies
    assert room.tagged_companies() == ["co1"]


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Processes that begin with everything imported, and without the threads of this one."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["pytest", "pytest.__main__", "gtm_platform_tests.delivery.actions.killed"])
    return context


@pytest.mark.soak
@pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.long), 7], ids=["each step", "each seventh step"])
def test_killed_at_any_step_each_is_done_once(
    processes: ForkServerContext, room: Room, tmp_path: Path, stride: int
) -> None:
    kills = 0
    for step in range(1, 90, stride):
        room.portal.objects["tasks"] = {}
        for contact in room.portal.objects["contacts"].values():
            contact.links.pop("tasks", None)
        for tagged in (*room.workspace.contacts.values(), *room.workspace.companies.values()):
            tagged.tags.clear()
        state_url = f"sqlite:///{tmp_path / f'{step}.db'}"
        quick_state(state_url).close()
        urls = (room.hubspot_api.url, room.intercom_api.url, state_url)
        process = processes.Process(target=perform_all, args=(*urls, step))
        process.start()
        process.join()
        was_killed = process.exitcode == -signal.SIGKILL
        kills += was_killed
        perform_all(*urls)
        assert sorted(id for each in room.tasks for id in each.links["contacts"]) == ["1", "2", "3"], step
        assert room.tagged() == ["ic1", "ic2", "ic3"]
        assert room.tagged_companies() == ["co1", "co2", "co3"]
        if not was_killed:
            break
    assert kills > 45 // stride
