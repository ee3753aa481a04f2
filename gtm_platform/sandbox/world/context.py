"""What all lives of one world have in common: where they write, and when the present began."""

from dataclasses import dataclass, field
from datetime import datetime

from gtm_platform.sandbox.hubspot.store import HubSpotStore
from gtm_platform.sandbox.intercom.store import IntercomStore
from gtm_platform.sandbox.stripe.store import StripeStore
from gtm_platform.sandbox.world.history import PersonHistory
from gtm_platform.sandbox.world.stripe_events import StripeEvents


@dataclass
class Context:
    """The stores that all lives of one world write to, and the histories that they leave."""

    seed: int
    start: datetime
    hubspot: HubSpotStore
    stripe: StripeStore
    intercom: IntercomStore
    events: StripeEvents
    histories: list[PersonHistory] = field(default_factory=list)
