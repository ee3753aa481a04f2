"""Crossbeam's store: an organisation, and the partners that share their books with it."""

from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from gtm_platform.sandbox.world.partner_network import CROSSBEAM, PartnerNetwork


def stable_uuid(text: str) -> str:
    """Return a UUID that belongs to a text."""
    return str(uuid5(NAMESPACE_DNS, text))


@dataclass(frozen=True)
class CrossbeamStore:
    """An organisation with its partners."""

    organization: str
    network: PartnerNetwork

    @classmethod
    def of(cls, world: Any) -> "CrossbeamStore":
        """Make the organisation of a world."""
        return cls(stable_uuid(f"sandbox{world.seed}.example"), PartnerNetwork(*CROSSBEAM, world.market))
