"""Reo.dev's store: companies of a world's market whose developers did something, and the segments they are in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from gtm_platform.sandbox.world.market import Market
from gtm_platform.sandbox.world.market_signals import Developer, DeveloperAct
from gtm_platform.sandbox.world.people import Company


@dataclass
class ReoAccount:
    """A company with those of its developers who did something, and what they did, the newest first."""

    company: Company
    developers: list[Developer] = field(default_factory=list)
    acts: list[DeveloperAct] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Reo.dev's id of the account."""
        return account_id(self.company)


@dataclass(frozen=True)
class Segment:
    """A saved selection of accounts or developers."""

    id: str
    name: str
    type: str  # ACCOUNT or DEVELOPER
    holds: Callable[[ReoAccount], bool]


def _uuid(what: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"reodev:{what}"))


def account_id(company: Company) -> str:
    """Reo.dev's id of a company."""
    return _uuid(f"account:{company.number}")


def developer_id(developer: Developer) -> str:
    """Reo.dev's id of a developer."""
    return _uuid(f"developer:{developer.id}")


SEGMENTS = (
    Segment(_uuid("segment:1"), "Vector DB watchers", "ACCOUNT", lambda _: True),
    Segment(_uuid("segment:2"), "Several developers", "ACCOUNT", lambda account: len(account.developers) > 1),
    Segment(_uuid("segment:3"), "Active developers", "DEVELOPER", lambda _: True),
)


@dataclass
class ReoStore:
    """The market, seen by what its developers do."""

    market: Market

    def accounts(self, now: datetime) -> Iterator[ReoAccount]:
        """The accounts whose developers did something until an instant, always in the same order."""
        for each in self.market.companies(now):
            acts = sorted((act for act in each.signals.acts if act.at <= now), key=lambda act: (act.at, act.id))
            if acts:
                active = {act.developer.id for act in acts}
                developers = [developer for developer in each.signals.developers if developer.id in active]
                yield ReoAccount(each.company, developers, acts[::-1])
