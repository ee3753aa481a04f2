"""Comparing HubSpot with what was delivered, some objects at a time: what a machine changed is set back.

It delivers nothing new. A value that is wanted otherwise than it was written last waits for the next delivery, with
its checks and its guard; here only what HubSpot took before, and is still wanted, is restored.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from gtm_platform.delivery.hubspot.client import HubSpotObjects, batches
from gtm_platform.delivery.hubspot.conflicts import ForeignValue, authors_of, calls_for, goes_over
from gtm_platform.delivery.hubspot.diff import BEFORE_US, Diff, FieldChange, RecordDiff, states_of
from gtm_platform.delivery.hubspot.plan import DesiredRecord, PlanSlice
from gtm_platform.delivery.hubspot.properties import Property
from gtm_platform.delivery.hubspot.rules import DeliveryRules
from gtm_platform.delivery.hubspot.write import Run, Writer, journal_diff
from gtm_platform.state import State, hubspot_sweeps
from gtm_platform.state.hubspot_journal import FieldState
from gtm_platform.state.hubspot_sweeps import TruthSweep

RECORDS_AT_ONCE = 5_000  # of a plan, which is made anew for each so many

Following = Callable[[str, int], PlanSlice]  # what objects after an id are to hold, at most so many


@dataclass
class Comparison:
    """What a look at one object showed: the outcome of each value, and what is to be set back or noted."""

    record: RecordDiff
    outcomes: dict[str, str] = field(default_factory=dict)  # by property
    changed_by: dict[str, str] = field(default_factory=dict)  # the kind of who changed ours


@dataclass(frozen=True)
class Sweeper:
    """Goes on with the sweep of one object type, within a number of calls.

    Of all objects a `share`, or `least` of them, may be set back in a day: more are a workflow that fights us. Without
    `heals` nothing is written, in HubSpot or in the journal. Each batch is looked at and set back `alone`, so that what
    is written elsewhere meanwhile is not taken for what a machine changed.
    """

    objects: HubSpotObjects
    state: State
    run: Run
    rules: DeliveryRules
    share: float
    least: int
    heals: bool = True
    alone: Callable[[], AbstractContextManager[None]] = nullcontext

    def go_on(self, sweep: TruthSweep, following: Following, calls: int) -> int:
        """Compare the next objects; return the calls that are left. The sweep is kept after each batch."""
        until = sweep.calls + calls
        while sweep.calls < until and sweep.finished_at is None:
            some = following(sweep.cursor, min(RECORDS_AT_ONCE, (until - sweep.calls) * 100))
            everything = sweep.objects + len(some.records) + some.left
            may_heal = max(self.least, int(self.share * everything))
            for batch in batches(some.records):
                if sweep.calls >= until:
                    return 0
                with self.alone():
                    self._compare(sweep, batch, may_heal)
            if not some.left:
                sweep.finished_at = self.run.now()
                self._keep(sweep)
        return until - sweep.calls

    def _compare(self, sweep: TruthSweep, batch: Sequence[DesiredRecord], may_heal: int) -> None:
        compared = list(self._looked_at(sweep, batch))
        broken = [each for each in compared if each.record.changed]
        sweep.broken_objects += len(broken)
        if broken and self.heals and sweep.broken_objects <= may_heal:
            self._set_back(sweep, broken)
        noted = [each.record for each in compared if each.record.held_back]
        if noted and self.heals:
            journal_diff(self._diff(noted), self.state, self.run)
        for each in compared:
            for name, outcome in each.outcomes.items():
                sweep.add(name, outcome)
            for name, kind in each.changed_by.items():
                sweep.add(name, f"by_{kind}")
        sweep.cursor, sweep.objects = batch[-1].object_id, sweep.objects + len(batch)
        self._keep(sweep)

    def _keep(self, sweep: TruthSweep) -> None:
        sweep.updated_at = self.run.now()
        with self.state.writing() as tx:
            hubspot_sweeps.keep(tx, sweep)

    def _diff(self, records: Sequence[RecordDiff]) -> Diff:
        return Diff(self.objects.object_type, records, 0, len(records))

    def _set_back(self, sweep: TruthSweep, broken: Sequence[Comparison]) -> None:
        writer = Writer(self.objects, self.state, self.run)
        sent = writer.send([each.record for each in broken])
        writer.verify(sent)
        sweep.calls += 2
        written = {record.object_id for record in sent if record.outcome == "written"}
        for each in broken:
            if each.record.desired.object_id in written:
                each.outcomes |= {change.property: "healed" for change in each.record.changed}

    def _looked_at(self, sweep: TruthSweep, batch: Sequence[DesiredRecord]) -> Iterator[Comparison]:
        object_type, ids = self.objects.object_type, [record.object_id for record in batch]
        current, states = self.objects.read(ids), states_of(self.objects.object_type, ids, self.state)
        foreign: dict[str, list[str]] = {}
        comparisons = []
        for record in batch:
            object_id = record.object_id
            comparison = compare(object_type.by_name, record, current.get(object_id), states.get(object_id, {}))
            comparisons.append(comparison)
            foreign[object_id] = [name for name, what in comparison.outcomes.items() if what == "foreign"]
        authors = authors_of(foreign, self.objects)
        sweep.calls += 1 + calls_for(foreign)
        for comparison in comparisons:
            object_id = comparison.record.desired.object_id
            for name in foreign[object_id]:
                state = states.get(object_id, {}).get(name, FieldState())
                before, after = current[object_id].get(name, ""), comparison.record.desired.values[name]
                author = authors.get((object_id, name))
                author = author if author and author.value == before else None
                judge(comparison, ForeignValue(object_type.by_name[name], before, after, state, author), self.rules)
            yield comparison


def compare(
    properties: Mapping[str, Property],
    desired: DesiredRecord,
    current: Mapping[str, str] | None,
    states: Mapping[str, FieldState],
) -> Comparison:
    """Compare the wanted values of an object with HubSpot; what is not ours there is `foreign` at first."""
    comparison = Comparison(RecordDiff(desired))
    for name, after in desired.values.items():
        if current is None:
            if after:
                comparison.outcomes[name] = "gone"
            continue
        before, same, state = current.get(name, ""), properties[name].same, states.get(name, FieldState())
        if not before and not after:
            continue
        ours = [value for value in (state.confirmed, *state.pending.values()) if value is not None]
        if same(before, after):
            comparison.outcomes[name] = "true"
        elif any(same(value, before) for value in ours) or (not before and not ours):
            comparison.outcomes[name] = "late"
        else:
            comparison.outcomes[name] = "foreign"
    return comparison


def judge(comparison: Comparison, value: ForeignValue, rules: DeliveryRules) -> None:
    """Decide what becomes of a value that is not ours: set back, left alone, or left to a delivery."""
    property, state, author = value.definition, value.state, value.author
    name, delivered = property.name, state.confirmed is not None and property.same(state.confirmed, value.after)
    kind = author.kind if author else "other"
    if state.confirmed is not None:
        comparison.changed_by[name] = kind
    cause = BEFORE_US if state.confirmed is None else kind
    change = FieldChange(name, value.before, value.after, False, value.reason, cause, author)
    if goes_over(value, rules):
        comparison.outcomes[name] = "broken" if delivered else "late"
        if delivered:
            comparison.record.changed.append(change)
        return
    comparison.outcomes[name] = "withheld"
    if state.withheld_last != (property.shown(value.before), property.shown(value.after)):
        comparison.record.held_back.append(change)
