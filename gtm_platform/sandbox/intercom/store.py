"""Intercom's store: plain records, which the world writes and the emulator renders.

Instants are aware, in UTC. Shapes as the API shows them belong to the modules of each record.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(slots=True)
class IntercomContact:
    """A user or a lead. A merged or deleted contact stays, and is not shown."""

    id: str
    role: str  # user | lead
    email: str | None
    name: str | None
    created: datetime
    updated: datetime
    external_id: str | None = None
    phone: str | None = None
    owner_id: int | None = None
    signed_up: datetime | None = None
    last_seen: datetime | None = None
    last_replied: datetime | None = None
    last_contacted: datetime | None = None
    country: str | None = None  # a country's name, as Intercom shows it
    country_code: str | None = None  # three letters
    city: str | None = None
    custom_attributes: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    companies: list[str] = field(default_factory=list)
    merged_into: str | None = None
    deleted: datetime | None = None
    has_hard_bounced: bool = False


@dataclass(slots=True)
class IntercomCompany:
    """A company; `company_id` is the id that the workspace itself gave it."""

    id: str
    company_id: str
    name: str
    created: datetime
    updated: datetime
    website: str | None = None
    industry: str | None = None
    size: int | None = None
    plan: str | None = None
    monthly_spend: int = 0
    last_request: datetime | None = None
    session_count: int = 0
    tags: list[str] = field(default_factory=list)
    custom_attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class IntercomPart:
    """What happened in a conversation after its first message: an answer, a note, an assignment."""

    id: str
    part_type: str
    body: str | None  # HTML
    created: datetime
    author_type: str  # user | lead | admin | bot
    author_id: str
    author_name: str | None = None
    author_email: str | None = None


@dataclass(slots=True)
class IntercomRating:
    """The rating that a contact was requested to give, and gave or not."""

    requested: datetime
    rating: int | None = None  # None: asked for, not answered
    remark: str | None = None
    replied: datetime | None = None
    admin_id: str | None = None


@dataclass(slots=True)
class IntercomConversation:
    """A conversation with support, its first message included."""

    id: str
    contact_id: str
    created: datetime
    updated: datetime
    subject: str
    body: str  # HTML, the first message
    author_type: str
    author_name: str | None
    author_email: str | None
    state: str = "open"  # open | closed | snoozed, which is open as well
    read: bool = False
    priority: str = "not_priority"
    admin_id: int | None = None
    team_id: int | None = None
    tags: list[tuple[str, datetime]] = field(default_factory=list)  # tag id, when applied
    rating: IntercomRating | None = None
    waiting_since: datetime | None = None
    snoozed_until: datetime | None = None
    first_admin_reply: datetime | None = None
    last_admin_reply: datetime | None = None
    last_contact_reply: datetime | None = None
    first_close: datetime | None = None
    last_close: datetime | None = None
    reopens: int = 0
    parts: list[IntercomPart] = field(default_factory=list)
    deleted: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether somebody still has to look at it: a snoozed conversation comes back."""
        return self.state != "closed"


@dataclass(slots=True)
class IntercomTicket:
    """A ticket; `ticket_id` is the number that people see."""

    id: str
    ticket_id: str
    contact_id: str
    title: str
    description: str
    created: datetime
    updated: datetime
    state: str = "submitted"  # submitted | in_progress | waiting_on_customer | resolved
    category: str = "Customer"
    open: bool = True
    admin_id: str | None = None
    team_id: str | None = None


@dataclass(slots=True)
class IntercomActivity:
    """An entry of the workspace's activity log; its type is one of Intercom's own."""

    id: str
    admin_id: str
    created: datetime
    activity_type: str
    description: str
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass
class IntercomStore:
    """`admins`, `teams` and `data_attributes` are kept in wire shape, `tags` as id -> name."""

    contacts: dict[str, IntercomContact] = field(default_factory=dict)
    companies: dict[str, IntercomCompany] = field(default_factory=dict)
    conversations: dict[str, IntercomConversation] = field(default_factory=dict)
    tickets: dict[str, IntercomTicket] = field(default_factory=dict)
    admins: list[dict[str, Any]] = field(default_factory=list)
    teams: list[dict[str, Any]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    data_attributes: list[dict[str, Any]] = field(default_factory=list)
    activities: list[IntercomActivity] = field(default_factory=list)
    timezone: str = "America/Los_Angeles"
    workspace_id: str = "sandbox1"
