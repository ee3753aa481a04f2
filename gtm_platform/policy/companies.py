"""How companies stand: dormant, paying, growing; which cohort each is in, and how much it matters."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from gtm_platform.policy.rules import Count, Days, Pattern, Points, Rules, Share


class UsageTier(Rules):
    """A tier, and the plan names that belong to it."""

    name: str
    plans: Pattern


USAGE_TIERS = (
    UsageTier(name="enterprise", plans=r"(?i)enterprise"),
    UsageTier(name="growth", plans=r"(?i)growth|pro|team|scale"),
    UsageTier(name="starter", plans=r"(?i)starter|basic"),
    UsageTier(name="free", plans=r"(?i)free"),
)


class Expansion(Rules):
    """From which growth of use, share of the plan's limits and collections on a company may buy more."""

    high_growth: Annotated[float, Field(ge=0)] = 0.5
    high_limit_share: Share = 0.8
    high_collections: Count = 10
    medium_growth: Annotated[float, Field(ge=0)] = 0.2
    medium_limit_share: Share = 0.5
    medium_collections: Count = 4


class PriorityWeights(Rules):
    """What the priority of a company is made of. Together 100."""

    cohort: Points = 40
    money: Points = 30
    signals: Points = 20
    fit: Points = 10
    full_signal_points: Annotated[float, Field(gt=0)] = 30

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if round(total := self.cohort + self.money + self.signals + self.fit, 6) != 100:
            raise ValueError(f"the weights come to {total:g}, not to 100")
        return self


class CohortRanks(Rules):
    """How much each cohort counts in the priority, 0 to 1."""

    current_customer: Share = 1.0
    si_partner: Share = 0.8
    in_market: Share = 0.6
    competitor: Share = 0.3


class Fit(Rules):
    """How well a company fits: by how often companies of its industry, size and country pay."""

    sizes: tuple[Count, ...] = (11, 51, 201, 1001)  # employees from which a band of sizes begins
    prior_companies: Annotated[float, Field(gt=0)] = 20

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if list(self.sizes) != sorted(set(self.sizes)):
            raise ValueError("sizes must ascend, each once")
        return self


class ChampionLeft(Rules):
    """When the main contact of a company counts as gone: without seat or address, or silent alone."""

    silent_days: Days = 30
    active_days: Days = 7


class Companies(Rules):
    """Companies and cohorts."""

    dormant_days: Days = 30
    usage_tiers: tuple[UsageTier, ...] = USAGE_TIERS
    expansion: Expansion = Expansion()
    priority: PriorityWeights = PriorityWeights()
    cohort_ranks: CohortRanks = CohortRanks()
    fit: Fit = Fit()
    champion_left: ChampionLeft = ChampionLeft()
    follow_up_cadence: str = "monthly"
    partner_statuses: tuple[str, ...] = ("prospect", "onboarding", "active", "paused")
