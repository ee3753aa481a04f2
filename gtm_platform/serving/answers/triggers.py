"""Who is sent which changes, as the snapshot says."""

from datetime import date, datetime

from pydantic import BaseModel, Field


class DeadLetter(BaseModel):
    """A message that is tried no more; gtm trigger replay sends it again."""

    message_id: str
    type: str
    subject_id: str = Field(description="Id of the customer or company.")
    day: date
    attempts: int
    at: datetime = Field(description="When the change was seen.")
    error: str | None = Field(description="Why the last attempt failed.")


class TriggerSubscription(BaseModel):
    """A subscription to changes; nothing of its secret, and of its address the host only."""

    id: str
    receiver: str = Field(description="Host of the receiver.")
    kinds: list[str] = Field(description="The kinds of changes that it asks for.")
    filters: dict[str, list[str]] = Field(description="Whom it is about; of several values any may hold.")
    personal: bool = Field(description="Whether names and addresses are sent.")
    status: str = Field(description="active, paused or off.")
    why: str = Field(description="Why it is what it is; empty while it is active.")
    created_at: datetime
    delivered_at: datetime | None = Field(description="When its receiver last took a message.")
    failing_since: datetime | None = Field(description="Since when it takes none.")
    delivered: int
    waiting: int = Field(description="Messages that are tried again.")
    dead: int = Field(description="Messages that are tried no more.")
    dead_letters: list[DeadLetter] = Field(description="The newest of these, at most twenty.")


class TriggersAnswer(BaseModel):
    """Who is sent which changes, and what became of the messages."""

    subscriptions: list[TriggerSubscription]
