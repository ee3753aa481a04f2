"""Who may see what: roles, and whose role is whose. Nobody has a role until the policy says so."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gtm_platform.policy.rules import Rules

# What a surface is about: customers and what they pay; who is who and the rules; the platform itself; the audit trail.
Area = Literal["customers", "rules", "operations", "audit"]
Words = Annotated[str, Field(min_length=1, max_length=200)]
# A channel of Slack, or a person for direct messages.
SlackId = Annotated[str, Field(pattern=r"^[CGDUW][A-Z0-9]{2,}$")]


class Role(Rules):
    """What somebody may see: whose customers, whether names and addresses, and which kinds of surfaces."""

    customers: Literal["all", "own", "none"]
    personal: bool
    areas: tuple[Area, ...]

    @model_validator(mode="after")
    def _has_customers_where_they_are_shown(self) -> "Role":
        if self.customers == "none" and "customers" in self.areas:
            raise ValueError('a role with customers = "none" cannot have the area "customers"')
        return self


class Member(Rules):
    """Somebody's role; of a role that sees its own customers also whose those are."""

    role: str
    account_manager: Words | None = None


ROLES = {
    "account_manager": Role(customers="own", personal=True, areas=("customers",)),
    "cs_lead": Role(customers="all", personal=True, areas=("customers",)),
    "revops": Role(customers="all", personal=True, areas=("customers", "rules")),
    "data_team": Role(customers="all", personal=True, areas=("customers", "rules", "operations", "audit")),
    "analyst": Role(customers="all", personal=False, areas=("customers",)),
    "auditor": Role(customers="none", personal=False, areas=("audit",)),
}


class Access(Rules):
    """Roles by name; members by address, by group of the identity provider, or all who are signed in; and channels.

    A channel of Slack has the role of those who are in it.
    """

    roles: dict[str, Role] = Field(default_factory=lambda: dict(ROLES))
    groups_claim: Words = "groups"
    members: dict[str, Member] = Field(default_factory=dict)
    groups: dict[str, Member] = Field(default_factory=dict)
    everybody: str = ""
    channels: dict[SlackId, Member] = Field(default_factory=dict)
    other_channels: str = ""

    @model_validator(mode="after")
    def _names_roles_that_there_are(self) -> "Access":
        members = {**self.members, **self.groups, **self.channels}
        named = {member.role for member in members.values()} | {self.everybody, self.other_channels} - {""}
        if unknown := sorted(named - self.roles.keys()):
            raise ValueError(f"there is no role {', '.join(unknown)}; there are {', '.join(sorted(self.roles))}")
        for name, member in members.items():
            if self.roles[member.role].customers == "own" and not member.account_manager:
                raise ValueError(f"{name} sees its own customers: name whose they are, as account_manager")
        for name, role in (("everybody", self.everybody), ("other_channels", self.other_channels)):
            if role and self.roles[role].customers == "own":
                raise ValueError(f"{name} cannot have a role that sees its own customers")
        return self
