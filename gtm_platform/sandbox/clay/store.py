"""Clay's store: a workspace with credits, the runs of its routine, and the rows that its table was sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from gtm_platform.sandbox.kit.write_log import Actions, Write
from gtm_platform.sandbox.kit.write_log import replay as replay_with
from gtm_platform.sandbox.world.firmographics import CompanyFacts, FactBook
from gtm_platform.sandbox.world.market import Market

MATCH_COSTS = Decimal("2.5")  # what the table's columns come to; no match costs nothing
MOST_SUBMISSIONS = 50_000  # to a webhook in its life; what comes later is acknowledged and never appears


@dataclass
class Run:
    """A run of the routine: what was asked for, and how often its results were looked at."""

    items: list[dict[str, Any]]
    looks: int = 0


@dataclass
class ClayStore:
    """A workspace."""

    market: Market
    seed: int
    granted: Decimal = Decimal(5_000)
    spent: Decimal = Decimal(0)
    submissions: int = 0
    most_submissions: int = MOST_SUBMISSIONS
    runs: dict[str, Run] = field(default_factory=dict)
    facts: FactBook = field(init=False)

    def __post_init__(self) -> None:
        self.facts = FactBook("clay", self.market)

    @property
    def balance(self) -> Decimal:
        """The credits that are left."""
        return self.granted - self.spent


def enriched(facts: CompanyFacts) -> dict[str, Any]:
    """A company as the table's columns have it."""
    return {
        "name": facts.name,
        "domain": facts.domain,
        "industry": facts.industry,
        "employee_count": facts.employees,
        "founded_year": facts.founded,
        "country": facts.country_code,
        "city": facts.city,
        "linkedin_url": facts.linkedin_url,
        "technologies": ["Postgres", "Kubernetes"],
    }


def _charge(store: ClayStore, domains: list[str], at: datetime) -> None:
    store.spent += MATCH_COSTS * sum(store.facts.of(domain, at) is not None for domain in domains)


def _run(store: ClayStore, write: Write, at: datetime) -> str:
    id_ = f"run_{len(store.runs) + 1}"
    store.runs[id_] = Run(write["items"])
    _charge(store, [domain_of(item) for item in write["items"]], at)
    return id_


def _add(store: ClayStore, write: Write, at: datetime) -> str:
    store.submissions += 1
    if store.submissions <= store.most_submissions:
        _charge(store, [str(write["domain"])], at)
    return str(store.submissions)


def domain_of(item: Mapping[str, Any]) -> str:
    """The domain that an item of a run is about."""
    return str(item.get("inputs", {}).get("Company Identifier", ""))


ACTIONS: Actions[ClayStore, str] = {"run": _run, "add": _add}


def replay(store: ClayStore, write: Write, at: datetime) -> str:
    """Do one write again."""
    return replay_with(ACTIONS, store, write, at)
