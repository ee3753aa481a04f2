"""Which competitors are used, how deals and companies go where one is, and what hurts, with evidence."""

from datetime import date

import orjson
from pydantic import BaseModel, Field

from gtm_platform.intelligence.competition.competitor_rates import COUNTS, NONE
from gtm_platform.serving.store import Snapshot

NO_COMPETITOR = NONE


class CompetitorRates(BaseModel):
    """How deals and companies go where a competitor is; amounts in the reporting currency."""

    competitor: str = Field(
        description=f"{NO_COMPETITOR}: the deals of which no competitor was known before their outcome."
    )
    open_deals: int
    won: int = Field(description=COUNTS["won"])
    lost: int = Field(description=COUNTS["lost"])
    win_rate: float | None = Field(description="won of won and lost.")
    win_rate_low: float | None
    win_rate_high: float | None
    won_amount: float
    lost_amount: float
    named_where_won: int = Field(description=COUNTS["named_where_won"])
    named_where_lost: int = Field(description=COUNTS["named_where_lost"])
    prospects: int = Field(description=COUNTS["prospects"])
    displaced: int = Field(description=COUNTS["displaced"])
    displacement_rate: float | None = Field(description="displaced of prospects.")
    displacement_rate_low: float | None
    displacement_rate_high: float | None
    displaced_paying: int = Field(description=COUNTS["displaced_paying"])
    displaced_mrr: float
    exposed: int = Field(description=COUNTS["exposed"])
    departed: int = Field(description=COUNTS["departed"])
    departure_rate: float | None = Field(description="departed of exposed.")
    departure_rate_low: float | None
    departure_rate_high: float | None


class MonthOfUse(BaseModel):
    """The companies that use a competitor's product in a month, by the dates of the evidence."""

    competitor: str
    month: date
    until: date
    is_current: bool
    companies: int
    customers: int = Field(description="Of them, companies with an account of ours.")
    first_seen: int
    last_seen: int


class PainPoint(BaseModel):
    """What hurts, and how many say so."""

    competitor: str
    side: str = Field(description="theirs: its users say so; for_us, against_us: why deals were won or lost beside it.")
    pain: str
    companies: int
    pieces: int
    newest: date


class Evidence(BaseModel):
    """A piece of evidence of a pain point."""

    competitor: str
    side: str
    pain: str
    company_id: str | None
    company: str | None
    channel: str
    day: date
    link: str | None = Field(description="Where it can be read.")
    excerpt: str | None = Field(description="What was written, cut short; only with the scope personal:read.")
    evidence_id: str


class CompetitionAnswer(BaseModel):
    """Competitors by rates, use and pain points."""

    deal_days: int = Field(description="Deals that were closed within so many days count.")
    in_use_days: int = Field(description="A product is in use for so long after it was last seen.")
    interval: float = Field(description="So often an interval holds the true rate.")
    rates: list[CompetitorRates]
    usage: list[MonthOfUse]
    pains: list[PainPoint]
    evidence: list[Evidence] = Field(description="The newest of each pain point first.")


def competition(snapshot: Snapshot, *, personal: bool) -> CompetitionAnswer:
    """Return what the snapshot says of competitors; what people wrote only to who may see personal data."""
    fact = orjson.loads(snapshot.fact("competition"))
    if not personal:
        fact["evidence"] = [each | {"excerpt": None} for each in fact["evidence"]]
    return CompetitionAnswer(**fact)
