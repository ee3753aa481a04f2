"""Doing what a rule says: once for each time that it holds of somebody, whenever the platform is killed."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gtm_platform.delivery.actions.system import ActionSystem
from gtm_platform.delivery.actions.targets import Target
from gtm_platform.http.errors import BadRequest, NotFound
from gtm_platform.policy.actions import TAGS, Action
from gtm_platform.state import State
from gtm_platform.state import actions as journal
from gtm_platform.state.actions import DONE, INTENT, Deed, NewDeed


@dataclass
class ActionReport:
    """What became of a rule: for how many it was done, seen to be done, refused, ended; how many wait."""

    rule: str
    done: int = 0
    seen: int = 0  # an earlier run was killed before it could note that it had done it
    present: int = 0  # somebody had done it before
    ended: int = 0
    waiting: int = 0
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """What is to be done of a rule: what ended, what is in doubt, whom to do it for, and how many wait."""

    ended: Sequence[Deed]
    doubtful: Sequence[Deed]
    new: Sequence[Target]
    waiting: int


def plan(rule: Action, targets: Mapping[str, Target], state: State) -> Plan:
    """Compare whom a rule is to be done for with whom it was; those who pay most come first."""
    with state.reading() as tx:
        journaled = journal.open_deeds(tx, rule.name)
    handled = {deed.subject_id for deed in journaled}
    new = [each for id, each in targets.items() if id not in handled]
    new.sort(key=lambda each: (-each.mrr, each.subject_id))
    return Plan(
        ended=[deed for deed in journaled if deed.subject_id not in targets],
        doubtful=[deed for deed in journaled if deed.subject_id in targets and deed.status == INTENT],
        new=new[: rule.at_most],
        waiting=max(0, len(new) - rule.at_most),
    )


@dataclass(frozen=True)
class Performer:
    """Does a rule in a system, one customer after the other; each is journaled before and after."""

    rule: Action
    system: ActionSystem
    state: State
    run_id: str
    day: str
    now: Callable[[], datetime]

    def perform(self, targets: Mapping[str, Target]) -> ActionReport:
        """End what is over, look up what is in doubt, and do what is new."""
        todo = plan(self.rule, targets, self.state)
        report = ActionReport(self.rule.name, waiting=todo.waiting)
        for deed in todo.ended:
            self._end(deed, report)
        for deed in todo.doubtful:
            if external_id := self._find(deed):
                self._note_done(deed, external_id)
                report.seen += 1
            else:
                self._act(deed, targets[deed.subject_id], report)
        for target in todo.new:
            self._begin(target, report)
        return report

    def _find(self, deed: Deed) -> str | None:
        """Look up what became of an attempt; a contact that is gone has nothing."""
        try:
            return self.system.find(deed.target_id, deed.reference)
        except NotFound:
            return None

    def _begin(self, target: Target, report: ActionReport) -> None:
        try:
            external_id = self.system.is_there(target.target_id)
        except (BadRequest, NotFound) as failure:
            report.refused.append(f"{target.subject_id}: {failure.message}")
            return
        new = NewDeed(
            rule=self.rule.name,
            does=self.rule.does,
            subject_id=target.subject_id,
            target_id=target.target_id,
            reference=f"gtm-{secrets.token_hex(8)}",
            run_id=self.run_id,
            day=self.day,
            ours=external_id is None,
        )
        with self.state.writing() as tx:
            deed = journal.intend(tx, new, self.now())
            if external_id:
                journal.done(tx, deed.id, external_id, self.now())
        if external_id:
            report.present += 1
        else:
            self._act(deed, target, report)

    def _act(self, deed: Deed, target: Target, report: ActionReport) -> None:
        try:
            external_id = self.system.act(self.rule, target, deed.reference)
        except (BadRequest, NotFound) as failure:
            with self.state.writing() as tx:
                journal.refused(tx, deed.id, failure.message, self.now())
            report.refused.append(f"{target.subject_id}: {failure.message}")
            return
        self._note_done(deed, external_id)
        report.done += 1

    def _note_done(self, deed: Deed, external_id: str) -> None:
        with self.state.writing() as tx:
            journal.done(tx, deed.id, external_id, self.now())

    def _end(self, deed: Deed, report: ActionReport) -> None:
        """End what is over. A tag is taken off again; a task stays, for whoever has it to close."""
        external_id = deed.external_id
        if deed.status == INTENT:
            external_id = self._find(deed)
        if deed.does in TAGS and deed.ours and external_id and deed.status in (INTENT, DONE):
            self.system.take_back(deed.target_id, external_id)
        with self.state.writing() as tx:
            if deed.status == INTENT and external_id:
                journal.done(tx, deed.id, external_id, self.now())
            journal.over(tx, deed.id, self.now())
        report.ended += 1


def take_back(
    journaled: Sequence[Deed], system_of: Callable[[Deed], ActionSystem], state: State, now: datetime
) -> list[str]:
    """Take back what runs did; return a sentence for each that stays, as somebody went on with it."""
    stays = []
    for deed in journaled:
        if not deed.ours:
            stays.append(f"{deed.subject_id}: it was there before, and stays.")
            continue
        assert deed.external_id is not None
        if not system_of(deed).take_back(deed.target_id, deed.external_id):
            stays.append(f"{deed.subject_id}: somebody began with task {deed.external_id}; it stays.")
            continue
        with state.writing() as tx:
            journal.undone(tx, deed.id, "Taken back by a person.", now)
    return stays
