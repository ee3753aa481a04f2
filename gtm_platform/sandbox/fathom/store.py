"""Fathom's store: recorded calls and who may see them. What was said is written by `content` from a few words here."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class FathomMember:
    """Somebody of the organisation; those with a key of their own can be read through it."""

    name: str
    email: str
    team: str | None
    created: datetime
    key: str | None = None


@dataclass(slots=True)
class FathomInvitee:
    """Somebody in the calendar event."""

    name: str | None
    email: str | None
    external: bool


@dataclass(slots=True)
class FathomActionItem:
    """Something to do after the call."""

    description: str
    second: int  # of the recording
    assignee: str  # e-mail of a member
    done: datetime | None = None


@dataclass(slots=True)
class FathomMeeting:
    """A recording. Summary and action items are ready some time after the meeting itself appears."""

    recording_id: int
    title: str
    host: str  # e-mail of a member
    guest: str  # first name of the person from outside
    mood: str
    invitees: list[FathomInvitee]
    scheduled: tuple[datetime, datetime]
    recorded: tuple[datetime, datetime]
    created: datetime
    ready: datetime
    meeting_type: str | None = None
    calendar_title: str | None = None
    shared_with: str = "no_teams"  # | single_team | all_teams
    contact_id: str | None = None  # in HubSpot
    action_items: list[FathomActionItem] = field(default_factory=list)


@dataclass
class FathomStore:
    """Members by e-mail, meetings by recording id."""

    members: dict[str, FathomMember] = field(default_factory=dict)
    meetings: dict[int, FathomMeeting] = field(default_factory=dict)
