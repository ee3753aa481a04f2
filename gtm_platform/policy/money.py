"""The reporting currency and the rates of the others in it."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from gtm_platform.policy.rules import Rules


class Money(Rules):
    """How amounts of several currencies become comparable."""

    reporting_currency: str
    rates: dict[str, Annotated[Decimal, Field(gt=0)]]

    @model_validator(mode="after")
    def _reports_in_a_known_currency(self) -> Self:
        if self.rates.get(self.reporting_currency) != 1:
            raise ValueError(f"the rate of the reporting currency {self.reporting_currency} must be given as 1")
        return self
