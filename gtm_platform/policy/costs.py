"""What running it costs: prices by which minutes, storage and credits are valued, and what is compared with them."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field, model_validator

from gtm_platform.policy.rules import Rules

Price = Annotated[Decimal, Field(ge=0)]


class Tier(Rules):
    """A way to run all of it that is sold by the month, and what it costs."""

    name: str
    least: Price
    most: Price
    about: str = ""

    @model_validator(mode="after")
    def _is_a_range(self) -> "Tier":
        if self.most < self.least:
            raise ValueError(f"the tier {self.name} costs at most {self.most}, and at least {self.least}")
        return self


class Costs(Rules):
    """Prices, in the reporting currency."""

    minute: Price = Decimal(0)
    gb_month: Price = Decimal(0)
    credits: dict[str, Price] = Field(default_factory=dict)
    tiers: tuple[Tier, ...] = ()

    def of_credit(self, system: str) -> Decimal:
        """Return the price of a credit of a system; nothing where the policy names none."""
        return self.credits.get(system, Decimal(0))
