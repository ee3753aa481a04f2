"""What a receiver gets, as it is documented: `docs/triggers.schema.json` is made of these models.

Fields may be added under the same version; `version` changes when one is taken away or means something else.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from gtm_platform.state.trigger_outbox import Message


class Part(BaseModel):
    """A part of a payload."""

    model_config = ConfigDict(extra="forbid")


class Person(Part):
    """Who it is: for subscriptions with personal data only."""

    name: str | None
    email: str | None


class Change(Part):
    """What is known, and what was sent before."""

    subscription_id: str
    as_of: date = Field(description="The day at whose end it was so.")
    sequence: int = Field(description="1, 2, 3 … for this subject: of two messages the higher one is the newer.", ge=1)
    changed: list[str] = Field(description="The kinds of which there is news.")
    before: dict[str, Any] | None = Field(description="All kinds as last sent; null where nothing was, or it had left.")


class CustomerChange(Change):
    """How a customer stands now."""

    customer_id: str
    after: dict[str, Any] = Field(description="All kinds that are subscribed to, as they are now.")
    person: Person | None = Field(None, description="Null where the person was erased since.")


class CompanyChange(Change):
    """How a company stands now."""

    company_id: str
    after: dict[str, Any] = Field(description="All kinds that are subscribed to, as they are now.")


class Departure(Change):
    """That nothing more will come, unless it is back."""

    after: None = None
    reason: Literal["filter", "gone"] = Field(description="It no longer matches the filter, or is no longer known.")


class CustomerDeparture(Departure):
    """A customer of whom nothing more will come."""

    customer_id: str


class CompanyDeparture(Departure):
    """A company of which nothing more will come."""

    company_id: str


class Envelope(Part):
    """What all messages have."""

    version: Literal[1] = 1
    timestamp: datetime = Field(description="When the change was seen; the same in each attempt.")


class CustomerChanged(Envelope):
    """A customer is otherwise than was last sent, or comes for the first time."""

    type: Literal["customer.changed"]
    data: CustomerChange


class CustomerLeft(Envelope):
    """A customer left the filter, or is no longer known."""

    type: Literal["customer.left"]
    data: CustomerDeparture


class CompanyChanged(Envelope):
    """A company is otherwise than was last sent, or comes for the first time."""

    type: Literal["company.changed"]
    data: CompanyChange


class CompanyLeft(Envelope):
    """A company left the filter, or is no longer known."""

    type: Literal["company.left"]
    data: CompanyDeparture


class TestData(Part):
    """Nothing but who was subscribed."""

    subscription_id: str


class Test(Envelope):
    """What `gtm trigger test` sends."""

    type: Literal["test"]
    data: TestData


Payload = Annotated[CustomerChanged | CustomerLeft | CompanyChanged | CompanyLeft | Test, Field(discriminator="type")]
PAYLOAD: TypeAdapter[Payload] = TypeAdapter(Payload)


def body_of(message: Message, person: dict[str, Any] | None = None, *, personal: bool = False) -> bytes:
    """Return a message as it is sent; with who it is about only if its subscription may have that."""
    data = {"subscription_id": message.subscription_id, **message.content}
    if personal and message.type == "customer.changed":
        data["person"] = person
    return _bytes(message.type, message.at, data)


def test_body(subscription_id: str, at: datetime) -> bytes:
    """Return what is sent to try a receiver out."""
    return _bytes("test", at, {"subscription_id": subscription_id})


def _bytes(type: str, at: datetime, data: dict[str, Any]) -> bytes:
    payload = PAYLOAD.validate_python({"type": type, "timestamp": at, "data": data})
    return payload.model_dump_json(exclude_unset=False, exclude=_absent(data)).encode()


def _absent(data: dict[str, Any]) -> dict[str, set[str]]:
    """Who may not know persons is not sent an empty one either."""
    return {} if "person" in data else {"data": {"person"}}


def schema() -> dict[str, Any]:
    """Return the JSON schema of what is sent."""
    return PAYLOAD.json_schema()
