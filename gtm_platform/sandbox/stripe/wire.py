"""The plain pieces that all of Stripe's shapes are made of: decimals, ids, lists, addresses."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

Shape = dict[str, Any]

EMBEDDED = 10
"""How many rows a list inside another object shows; the rest is paged at its `url`."""


def whole_units(amount: Decimal | None) -> int | None:
    """The amount in minor units, or nothing when it has a fraction of one."""
    return int(amount) if amount is not None and amount == amount.to_integral_value() else None


def decimal_string(amount: Decimal | None) -> str | None:
    """The amount without trailing zeros, as Stripe writes what may have a fraction of a minor unit."""
    return None if amount is None else f"{amount.normalize():f}"


def id_suffix(identifier: str) -> str:
    """The part of an id after its prefix: `cus_Acme01` has `Acme01`."""
    return identifier.partition("_")[2] or identifier


def embedded_list(rows: Sequence[Shape], url: str) -> Shape:
    """A list inside another object."""
    return {"object": "list", "data": list(rows[:EMBEDDED]), "has_more": len(rows) > EMBEDDED, "url": url}


def address(city: str | None, country: str | None) -> Shape | None:
    """An address of which only city and country are filled in."""
    if city is None and country is None:
        return None
    return {"city": city, "country": country, "line1": None, "line2": None, "postal_code": None, "state": None}
