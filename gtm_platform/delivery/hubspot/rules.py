"""What decides whether a value is written, beside HubSpot and the journal: the policy, the clock, stale sources."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gtm_platform.policy import HubSpot
from gtm_platform.policy.hubspot import Conflicts, Rejected


@dataclass(frozen=True)
class DeliveryRules:
    """The rules of one run.

    Without `now` what HubSpot refused is sent again at once. `stale` are the properties that wait, each with the reason
    in a sentence; `day` is the day that the values are of.
    """

    conflicts: Conflicts = field(default_factory=Conflicts)
    retry_after: Callable[[int], timedelta] = Rejected().retry_after
    stale: Mapping[str, str] = field(default_factory=dict)
    now: datetime | None = None
    day: str = ""

    @classmethod
    def of(cls, policy: HubSpot, now: datetime, day: str) -> "DeliveryRules":
        """Return the policy's rules for a run of a day, of which nothing is stale."""
        return cls(policy.conflicts, policy.rejected.retry_after, {}, now, day)

    def without_machines(self) -> "DeliveryRules":
        """Return these rules where nobody's later change is gone over, as when writes are taken back."""
        return replace(self, conflicts=Conflicts(healed=()))
