"""What HubSpot is written: what is created, how it is called, over whose values; and how true it is to be."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Annotated, Literal, get_args

from pydantic import Field

from gtm_platform.policy.rules import Count, Hours, Rules, Share

Winner = Literal["theirs", "ours", "newest"]
Machine = Literal["workflow", "import", "integration", "form", "merge", "other"]


class Conflicts(Rules):
    """Who wins where HubSpot has another value than the one that we wrote last.

    `theirs` leaves what a person wrote, `ours` goes over it, and `newest` does once our value is of a later day. What
    one of the `healed` machines wrote is set back to our value, whoever wins over people.
    """

    default: Winner = "theirs"
    properties: Mapping[str, Winner] = {}
    healed: tuple[Machine, ...] = ("workflow", "import")

    def winner(self, property: str) -> Winner:
        """Return who wins in a property of HubSpot."""
        return self.properties.get(property, self.default)


class ValueFreshness(Rules):
    """Which values wait when a source that they are made of is past its freshness.

    `waiting` names tables of the lake or columns of theirs (`health/customer_health.churn_risk`), object types or
    properties of HubSpot. A source that `may_be_late` holds nothing back.
    """

    waiting: tuple[str, ...] = (
        "health/customer_health",
        "core/unified_companies.customer_cohort",
        "core/unified_companies.cohort_priority_score",
    )
    may_be_late: tuple[str, ...] = ()

    def waits(self, names: Collection[str]) -> bool:
        """Say whether a value waits, by any of the names that it may be declared by."""
        return not set(names).isdisjoint(self.waiting)


class Rejected(Rules):
    """After how many hours what HubSpot refused is sent again; the last number goes on for ever."""

    retry_after_hours: Annotated[tuple[Hours, ...], Field(min_length=1)] = (20, 44, 92, 164)

    def retry_after(self, attempts: int) -> timedelta:
        """Return how long to wait after so many refusals."""
        return timedelta(hours=self.retry_after_hours[min(attempts, len(self.retry_after_hours)) - 1])


class Truth(Rules):
    """How many calls a day compare HubSpot with what was delivered, and how much of it has to be true."""

    daily_calls: Count = 250_000
    quota_share: Share = 0.01
    objective: Share = 0.99

    @property
    def calls_a_day(self) -> int:
        """How many calls the comparison may make in a day; one at least, or it would never end."""
        return max(1, int(self.daily_calls * self.quota_share))


Cohort = Literal["cohort_1_current_customer", "cohort_4_si_partner", "cohort_2_in_market", "cohort_3_competitor"]
CurrentStatus = Literal["trial", "active", "past_due", "paused", "leaving"]
NamePart = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]*)?$", max_length=80)]  # as HubSpot takes names, or nothing


class Create(Rules):
    """Which objects are created where HubSpot lacks them; an empty list creates none."""

    companies: tuple[Cohort, ...] = get_args(Cohort)
    contacts: tuple[CurrentStatus, ...] = get_args(CurrentStatus)

    def groups(self, object_type: str) -> frozenset[str]:
        """Return the groups of an object type whose missing objects are created."""
        return frozenset({"companies": self.companies, "contacts": self.contacts}.get(object_type, ()))


class Approval(Rules):
    """For how long what a person approved may be done, and by which share the next run may exceed it."""

    hours: Hours = 72
    margin: Share = 0.1


class HubSpot(Rules):
    """Writes to HubSpot."""

    max_change_share: Share
    change_min_records: Count
    conflicts: Conflicts = Conflicts()
    freshness: ValueFreshness = ValueFreshness()
    rejected: Rejected = Rejected()
    truth: Truth = Truth()
    max_creations: Count = 500
    approval: Approval = Approval()
    daily_reserve: Share = 0.1
    create: Create = Create()
    group_name: Annotated[NamePart, Field(min_length=1)] = "gtm"
    group_label: Annotated[str, Field(min_length=1)] = "GTM platform"
    property_prefix: NamePart = ""
    # By object type: our name of a property, and the name that it has in HubSpot; "" switches it off.
    names: dict[str, dict[str, NamePart]] = Field(default_factory=dict)
