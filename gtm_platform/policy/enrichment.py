"""Which facts of companies are bought, of whom, and for how many credits a month."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from gtm_platform.policy.rules import Days, Rules, Share

Credits = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=3)]
WantedField = Literal["name", "country", "industry", "employee_count", "company_type", "linkedin_company_url"]


class Enrichment(Rules):
    """Buying facts of companies.

    A provider without a cap is never asked; a source that is read every day, such as Sumble, then has none.
    """

    monthly_cap: dict[str, Credits] = Field(default_factory=dict)
    most_credits: dict[str, Annotated[Credits, Field(gt=0)]] = Field(default_factory=dict)
    warn_share: Share = 0.8
    max_age_days: Days = 90
    wanted_fields: tuple[WantedField, ...] = ("employee_count", "industry", "country")

    @property
    def max_age(self) -> timedelta:
        """For how long a company is not asked for again."""
        return timedelta(days=self.max_age_days)

    def cap_of(self, provider: str) -> Decimal:
        """Return how many credits of a provider a calendar month may cost."""
        return self.monthly_cap.get(provider, Decimal(0))

    def credits_of(self, provider: str) -> Decimal:
        """Return what asking for one company may cost at most."""
        return self.most_credits.get(provider, Decimal(1))
