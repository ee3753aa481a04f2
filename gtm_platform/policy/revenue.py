"""How MRR movements are counted, by which definitions of MRR, and how forecasts are judged."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gtm_platform.policy.rules import Count, Days, Rules, Share
from gtm_platform.policy.subscriptions import Discounts, Pauses

Counted = Literal["active", "past_due", "trialing", "unpaid", "paused"]


class MrrPolicy(Rules):
    """A definition of MRR: which subscriptions count, at which amount, until when, at which rate."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    statuses: tuple[Counted, ...] = ("active", "past_due")
    count_paused_collection: tuple[Pauses, ...] = ("keep_as_draft",)
    discounts: Discounts = "recurring"
    ends: Literal["ended", "service_end", "scheduled"] = "ended"
    fx: Literal["apart", "none"] = "apart"


STRIPE = MrrPolicy(
    name="stripe",
    count_paused_collection=("keep_as_draft", "mark_uncollectible", "void"),
    discounts="forever_only",
)
CHARTMOGUL = MrrPolicy(name="chartmogul", discounts="all", fx="none")


class Forecasts(Rules):
    """How far forecasts look, and from when on another than the naive one is delivered."""

    months: Annotated[int, Field(ge=1, le=24)] = 6
    past_months: Annotated[int, Field(ge=2)] = 12
    least_past_forecasts: Annotated[int, Field(ge=4)] = 8
    better_by: Share = 0.1
    interval: Annotated[float, Field(gt=0, lt=1)] = 0.8
    pipeline_days: tuple[Days, ...] = (30, 60, 90)


class ExpansionStakes(Rules):
    """Which signs say that a customer may buy more, and what of its MRR is at stake with each."""

    limit_share: Share = 0.8
    limit_stake: Share = 0.5
    new_people: Count = 2
    new_people_days: Days = 30
    new_people_stake: Share = 0.2
    hiring: tuple[Literal["low", "medium", "high"], ...] = ("medium", "high")
    hiring_stake: Share = 0.1


class Revenue(Rules):
    """Movements, retention and forecasts; our own definition of MRR follows `[subscriptions]`."""

    period: Literal["day", "week", "month"] = "month"
    compared: tuple[MrrPolicy, ...] = (STRIPE, CHARTMOGUL)
    cohort_months: Annotated[int, Field(ge=1, le=120)] = 36
    forecasts: Forecasts = Forecasts()
    expansion: ExpansionStakes = ExpansionStakes()

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        names = ["ours", *(each.name for each in self.compared)]
        if len(set(names)) < len(names):
            raise ValueError(f"each definition of MRR needs a name of its own, other than ours: {', '.join(names)}")
        return self
