"""What HubSpot was sent and what not, and how much of it is true, as the snapshot says."""

from datetime import date, datetime

from pydantic import BaseModel, Field


class HubSpotDay(BaseModel):
    """What became of the fields of a day that HubSpot was to have and had otherwise."""

    day: date
    written: int
    held_back: int = Field(description="Not to be written, such as what a person entered there.")
    rejected: int
    unknown: int = Field(description="Written, but not confirmed.")


class HubSpotReason(BaseModel):
    """Why fields are not in HubSpot."""

    object_type: str
    outcome: str = Field(description="held_back, rejected or unknown.")
    reason: str
    fields: int


class HubSpotTruth(BaseModel):
    """How much of what was wanted was true in HubSpot on a day, of one type of objects."""

    day: date
    object_type: str
    finished: bool = Field(description="Whether all objects were compared.")
    share: float | None = Field(description="Of the wanted values those that are true; null where none are wanted.")
    wanted: int
    true_values: int
    healed_values: int = Field(description="Changed by a workflow or an import, and set back: true since.")
    withheld_values: int = Field(description="Left alone, as a person wrote what is there.")
    broken_values: int = Field(description="Changed by something, and not set back.")
    late_values: int = Field(description="Not delivered yet.")
    gone_values: int = Field(description="Of objects that were deleted or merged.")
    by_person: int = Field(description="Values of ours that a person changed; so are the next ones.")
    by_workflow: int
    by_import: int
    by_integration: int
    by_form: int
    by_merge: int
    by_other: int


class HubSpotNotCreated(BaseModel):
    """A record of ours that HubSpot lacks, and that is held back before a person decides."""

    record_id: str = Field(description="Our id of the company or customer.")
    reason: str


class HubSpotDelivery(BaseModel):
    """The newest delivery of a type of objects."""

    object_type: str
    day: date
    at: datetime
    run_id: str
    stopped: bool = Field(description="Whether it would have done more than the policy allows, and waits for consent.")
    approved: bool = Field(description="Whether a person approved that, so that the next run goes ahead.")
    counts: dict[str, int] = Field(description="Records by what became of them; of a stopped one, what it would do.")
    why: str = Field(description="The counts as a sentence, or why it stopped and how to approve it.")
    not_created: list[HubSpotNotCreated] = Field(description="Creations that are held back, at most a hundred.")


class HubSpotAnswer(BaseModel):
    """What HubSpot was sent in the last 30 days, without what it had already; and how much is true there."""

    days: list[HubSpotDay]
    reasons: list[HubSpotReason] = Field(description="The most frequent first, at most ten.")
    deliveries: list[HubSpotDelivery] = Field(description="The newest of each type of objects.")
    objective: float = Field(description="The share that is to be true, by the policy.")
    truth: list[HubSpotTruth] = Field(description="Day by day, the oldest first.")
