"""PostHog's store: persons, and the use of the product from which `events` makes their events when they are read."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gtm_platform.sandbox.kit.activity import Activity

if TYPE_CHECKING:  # the world itself makes such stores
    from gtm_platform.sandbox.world.market import Market

PROJECT_ID = 1  # of a store that belongs to no world


@dataclass(slots=True)
class PostHogPerson:
    """A person; an anonymous visitor has no properties, and only the events of a visit."""

    uuid: str
    created: datetime
    distinct_ids: list[str]
    properties: dict[str, Any]
    use: Activity | None = field(compare=False)  # None: an anonymous visitor
    signup: dict[str, Any] = field(default_factory=dict)  # properties of the event of signing up
    signup_ingested: datetime | None = None  # None: before events were recorded
    group: str | None = None  # key of the company

    @property
    def is_identified(self) -> bool:
        """Whether a user of the product was made out."""
        return self.use is not None


@dataclass
class PostHogStore:
    """Persons by uuid, and the project that they are in."""

    persons: dict[str, PostHogPerson] = field(default_factory=dict)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)  # key -> properties
    recorded_from: datetime | None = None  # no event is older
    project_id: int = PROJECT_ID
    market: "Market | None" = field(default=None, repr=False, compare=False)  # whose companies visit the web site
