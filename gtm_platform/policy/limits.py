"""How much of a system's rate limits we use: an account's limits are shared with the company's other apps."""

from typing import Annotated

from pydantic import Field

from gtm_platform.policy.rules import Rules

PartOfLimit = Annotated[float, Field(gt=0, le=1)]


class Limits(Rules):
    """The share of every documented rate limit, and those of systems that have another one."""

    share: PartOfLimit
    systems: dict[str, PartOfLimit]

    def share_of(self, system: str) -> float:
        """Return how much of the limits of a system may be used."""
        return self.systems.get(system, self.share)
