"""ZoomInfo's store: the facts of the market's companies, and which of them the account has redeemed."""

from dataclasses import dataclass, field
from datetime import datetime

from gtm_platform.sandbox.kit.write_log import Actions, Write
from gtm_platform.sandbox.kit.write_log import replay as replay_with
from gtm_platform.sandbox.world.firmographics import CompanyFacts, FactBook
from gtm_platform.sandbox.world.market import Market

FIRST_ID = 344_000_000


@dataclass
class ZoomInfoStore:
    """An account with a contract for so many companies; each is redeemed once."""

    market: Market
    total_credits: int = 10_000
    redeemed: set[str] = field(default_factory=set)  # the ids of companies
    enrich_calls: int = 0
    tokens: int = 0
    facts: FactBook = field(init=False)

    def __post_init__(self) -> None:
        self.facts = FactBook("zoominfo", self.market)

    @property
    def credits_left(self) -> int:
        """How many companies may still be redeemed."""
        return max(0, self.total_credits - len(self.redeemed))


def company_id(facts: CompanyFacts) -> str:
    """The id of a company at ZoomInfo."""
    return str(FIRST_ID + facts.number)


def _redeem(store: ZoomInfoStore, write: Write, _: datetime) -> None:
    store.redeemed.update(write["ids"])


ACTIONS: Actions[ZoomInfoStore, None] = {"redeem": _redeem}


def replay(store: ZoomInfoStore, write: Write, at: datetime) -> None:
    """Redeem companies again that were redeemed before a restart."""
    replay_with(ACTIONS, store, write, at)
