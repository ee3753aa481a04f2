"""Where a delivery needs a person's consent: the guard with what was approved, the stop that says how, and the check.

What a person approved is done by the next run, once, and not after its time; a run that fails halfway leaves it.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from math import floor

import dagster as dg

from gtm_platform.delivery.hubspot.guard import DeliveryStopped, Guard
from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.delivery.hubspot.report import DeliveryReport
from gtm_platform.delivery.hubspot.write import Run
from gtm_platform.policy import HubSpot
from gtm_platform.settings import settings
from gtm_platform.state import State, open_state
from gtm_platform.state import hubspot_deliveries as deliveries
from gtm_platform.state.hubspot_deliveries import STOPPED, Delivery, NewDelivery

WITHIN_LIMITS = "within_limits"
ABOUT = (
    "No delivery stopped as it would change or create more than the policy allows; where one did, how to approve it."
)


def limits_spec(asset: dg.AssetKey) -> dg.AssetCheckSpec:
    """Declare the check of a delivery."""
    return dg.AssetCheckSpec(WITHIN_LIMITS, asset=asset, description=ABOUT)


def limits_result(object_type: ObjectType) -> dg.AssetCheckResult:
    """Say whether a delivery of a type waits for consent."""
    now = settings().now()
    with _state() as state, state.reading() as tx:
        newest = deliveries.newest_of_each_type(tx).get(object_type.name)
    if newest is None or newest.status != STOPPED:
        return dg.AssetCheckResult(check_name=WITHIN_LIMITS, passed=True)
    if newest.is_approved(now):
        sentence = f"Approved by {newest.approved_by}: the next run goes ahead."
        return dg.AssetCheckResult(check_name=WITHIN_LIMITS, passed=True, description=sentence)
    return dg.AssetCheckResult(
        check_name=WITHIN_LIMITS, passed=False, description=newest.reason, metadata=newest.counts
    )


class Consent:
    """What a run of a type may do, and the record of what it did."""

    def __init__(self, object_type: ObjectType, run: Run, rules: HubSpot) -> None:
        self.object_type, self.run, self.rules = object_type, run, rules
        with _state() as state, state.reading() as tx:
            self.approval = deliveries.approval_for(tx, object_type.name, run.now())

    def guard(self) -> Guard:
        """Return the policy's limits, widened to what was approved."""
        rules = self.rules
        limits = (rules.max_change_share, rules.change_min_records, rules.max_creations)
        return Guard(*limits, self._approved("changes"), self._approved("creations"))

    def _approved(self, name: str) -> int:
        count = int(self.approval.counts.get(name, 0)) if self.approval else 0
        return floor(count * (1 + self.rules.approval.margin))

    def stopped(self, stop: DeliveryStopped) -> None:
        """Keep that the run stopped."""
        counts = {name: getattr(stop.volume, name) for name in ("records", "changes", "creations")}
        self._note(STOPPED, counts, str(stop))

    def delivered(self, report: DeliveryReport) -> None:
        """Keep what the run did; what was approved is used up by it."""
        counts = {
            "queried": report.queried,
            "unchanged": report.unchanged,
            "written": report.written,
            "created": report.created,
            "held": report.held_back,
            "rejected": report.rejected,
        }
        self._note("delivered", counts, report.summary(), self.approval)

    def _note(
        self, status: deliveries.Status, counts: dict[str, int], reason: str, used: Delivery | None = None
    ) -> None:
        run, name = self.run, self.object_type.name
        with _state() as state, state.writing() as tx:
            if used:
                deliveries.use(tx, used, run.id, run.now())
            deliveries.note(tx, NewDelivery(run.id, name, run.day, status, counts, reason, run.now()))


@contextmanager
def _state() -> Iterator[State]:
    with closing(open_state(settings().state_url)) as state:
        yield state
