"""What HubSpot is written: which objects are created, what our properties are called, and when a run stops and asks."""

from typing import Annotated, Literal, get_args

from pydantic import Field

from gtm_platform.policy.rules import Count, Rules, Share

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


class HubSpot(Rules):
    """Writes to HubSpot."""

    max_change_share: Share
    change_min_records: Count
    max_creations: Count = 500
    daily_reserve: Share = 0.1
    create: Create = Create()
    group_name: Annotated[NamePart, Field(min_length=1)] = "gtm"
    group_label: Annotated[str, Field(min_length=1)] = "GTM platform"
    property_prefix: NamePart = ""
    # By object type: our name of a property, and the name that it has in HubSpot; "" switches it off.
    names: dict[str, dict[str, NamePart]] = Field(default_factory=dict)
