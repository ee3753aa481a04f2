"""Who reads a channel of Slack, by the policy: a channel has a role, as people and tokens have.

Whoever is in a channel reads what is posted there. So a role that may not see names and addresses masks them in the
messages, by the personal columns of the contract, as dashboard and API do; and what is of another account manager's
customers is not posted where only own ones may be seen. A channel without a role shows everything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gtm_platform.policy import Access
from gtm_platform.unified.customers import CONTRACT

Row = Mapping[str, Any]

PERSONAL = frozenset(name for name, column in CONTRACT.columns.items() if column.personal)


@dataclass(frozen=True)
class Audience:
    """What those who read a channel may see: names and addresses or not, and whose customers."""

    personal: bool = True
    managers: tuple[str, ...] | None = None  # None is everybody's

    def sees(self, subject: Row) -> bool:
        """Whether messages about a customer or a company may be posted there."""
        return self.managers is None or subject.get("assigned_am") in self.managers

    def shown(self, subject: Row) -> Row:
        """Return a customer without what may not be shown; the name of a company is nobody's."""
        if self.personal or "hubspot_company_id" in subject:
            return subject
        return {name: None if name in PERSONAL else value for name, value in subject.items()}


EVERYTHING = Audience()


def audience_of(channel: str | None, access: Access) -> Audience:
    """Return who reads a channel, or a person's direct messages."""
    member = access.channels.get(channel or "")
    name = member.role if member else access.other_channels
    if not name:
        return EVERYTHING
    role = access.roles[name]
    own = ((member.account_manager or ""),) if member else ()
    managers = {"all": None, "own": own, "none": ()}[role.customers]
    return Audience(role.personal, managers)
