"""What one run may do without a person's consent: the guard against a mistake that rewrites, or creates, everybody."""

from dataclasses import dataclass

from gtm_platform.delivery.hubspot.diff import Diff

CHANGES = (
    "{changes:,} of {records:,} {name} would change, more than the {share:.0%} that the policy "
    "(hubspot.max_change_share) allows in one run"
)
CREATIONS = (
    "{creations:,} {name} would be created in HubSpot, more than the {most:,} that the policy (hubspot.max_creations) "
    "allows in one run"
)
WHAT_TO_DO = (
    "nothing was written. See `gtm hubspot plan --object {name}`; if it is right, approve it, and the next run goes "
    "ahead: {command}"
)
COMMAND = 'gtm hubspot approve {run} --reason "WHY"'


class DeliveryStopped(RuntimeError):
    """A run would do more than it may without consent; `command` approves it."""

    def __init__(self, sentence: str, volume: "Volume", command: str) -> None:
        super().__init__(sentence)
        self.volume, self.command = volume, command


@dataclass(frozen=True)
class Volume:
    """How many objects one run would change and create; a first write of a property is no change of ours."""

    name: str  # contacts
    records: int  # that have an object which no other of ours claims
    changes: int
    creations: int

    @classmethod
    def of(cls, diff: Diff, creations: int) -> "Volume":
        """Count what was computed."""
        changes = sum(any(change.ours or change.author for change in record.changed) for record in diff.records)
        return cls(diff.object_type.name, diff.claiming_alone, changes, creations)


@dataclass(frozen=True)
class Guard:
    """The limits of the policy, and what a person approved beyond them.

    Limited is how many records may have a value that we wrote before replaced in one run, and how many objects it may
    create. A first write of a property replaces nothing of ours and never counts; what was made of ours since does.
    """

    share: float
    min_records: int
    max_creations: int = 500
    approved_changes: int = 0
    approved_creations: int = 0

    def check(self, volume: Volume, run_id: str) -> None:
        """Stop a run that would do more than the policy allows and nobody approved."""
        reasons = []
        if self._changes_too_much(volume) and volume.changes > self.approved_changes:
            reasons.append(CHANGES.format(**vars(volume), share=self.share))
        if volume.creations > max(self.max_creations, self.approved_creations):
            reasons.append(CREATIONS.format(**vars(volume), most=self.max_creations))
        if reasons:
            command = COMMAND.format(run=run_id[:8])
            what_to_do = WHAT_TO_DO.format(name=volume.name, command=command)
            raise DeliveryStopped(f"{'; '.join(reasons)}; {what_to_do}", volume, command)

    def _changes_too_much(self, volume: Volume) -> bool:
        return volume.changes > self.min_records and volume.changes > self.share * volume.records
