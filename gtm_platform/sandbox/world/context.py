"""What all lives of one world have in common: where they write, and when the present began."""

from dataclasses import dataclass, field
from datetime import datetime

from gtm_platform.sandbox.calendly.store import CalendlyStore
from gtm_platform.sandbox.chartmogul.store import ChartMogulStore
from gtm_platform.sandbox.chroma_admin.store import ChromaStore
from gtm_platform.sandbox.fathom.store import FathomStore
from gtm_platform.sandbox.hubspot.store import HubSpotStore
from gtm_platform.sandbox.intercom.store import IntercomStore
from gtm_platform.sandbox.listkit_admin.store import ListKitStore
from gtm_platform.sandbox.orb.store import OrbStore
from gtm_platform.sandbox.posthog.store import PostHogStore
from gtm_platform.sandbox.stripe.store import StripeStore
from gtm_platform.sandbox.userflow.store import UserflowStore
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
    calendly: CalendlyStore = field(default_factory=CalendlyStore)
    chartmogul: ChartMogulStore = field(default_factory=ChartMogulStore)
    chroma_admin: ChromaStore = field(default_factory=ChromaStore)
    fathom: FathomStore = field(default_factory=FathomStore)
    listkit_admin: ListKitStore = field(default_factory=ListKitStore)
    orb: OrbStore = field(default_factory=OrbStore)
    posthog: PostHogStore = field(default_factory=PostHogStore)
    userflow: UserflowStore = field(default_factory=UserflowStore)
    histories: list[PersonHistory] = field(default_factory=list)
    staying: float = 0.0  # the share of those who would leave who stay instead
