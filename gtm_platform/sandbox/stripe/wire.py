"""The plain pieces that all of Stripe's wire shapes are made of: instants, decimals, ids, lists, addresses."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, overload

EMBEDDED = 10
"""How many rows a list inside another object shows; the rest is paged at its `url`."""


@overload
def seconds(moment: datetime) -> int: ...
@overload
def seconds(moment: None) -> None: ...
def seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())


def whole(amount: Decimal | None) -> int | None:
    """The amount in minor units, or nothing when it has a fraction of one."""
    return int(amount) if amount is not None and amount == amount.to_integral_value() else None


def decimal(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount.normalize():f}"


def suffix(identifier: str) -> str:
    """The part of an id after its prefix: `cus_Acme01` gives `Acme01`."""
    return identifier.partition("_")[2] or identifier


def embedded(rows: Sequence[dict[str, Any]], url: str) -> dict[str, Any]:
    return {"object": "list", "data": list(rows[:EMBEDDED]), "has_more": len(rows) > EMBEDDED, "url": url}


def address(city: str | None, country: str | None) -> dict[str, str | None] | None:
    if city is None and country is None:
        return None
    return {"city": city, "country": country, "line1": None, "line2": None, "postal_code": None, "state": None}
