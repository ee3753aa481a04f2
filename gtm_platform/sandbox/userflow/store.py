"""Userflow's store: users, companies, and the onboarding checklist. What a user did is read off their use."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.kit.activity import Activity


@dataclass(slots=True)
class UserflowUser:
    """A user, by the product's own id. The logins before use was recorded are only counted."""

    id: str
    email: str | None
    name: str | None
    created: datetime
    use: Activity = field(compare=False)
    group: str | None = None
    role: str = "member"
    plan: str = "free"
    earlier_logins: int = 0
    tasks: Sequence[datetime] = ()  # when each task of the checklist was done
    reset: datetime | None = None  # the progress was reset: the session before is deleted for good


@dataclass(slots=True)
class UserflowGroup:
    """A company."""

    id: str
    name: str
    created: datetime
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass
class UserflowStore:
    """All by id. `opened` is when the company began with Userflow."""

    users: dict[str, UserflowUser] = field(default_factory=dict)
    groups: dict[str, UserflowGroup] = field(default_factory=dict)
    opened: datetime | None = None
