"""Who is withheld: drawn by a keyed hash of the customer's id, within strata, and never drawn again."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from math import floor
from typing import Any

from gtm_platform.policy import Effect

Row = Mapping[str, Any]
NONE = "none"


def draw(experiment: str, text: str) -> float:
    """Return a number from 0 to 1 that is drawn by chance, and is the same whenever it is asked for."""
    digest = blake2b(text.encode(), key=experiment.encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def stratum_of(customer: Row, terms: Effect) -> str:
    """Return the stratum that a customer is drawn in."""
    named = {
        "plan_tier": customer.get("plan_tier") or NONE,
        "mrr_band": _band(float(customer.get("mrr_reporting") or 0), terms.mrr_bands),
        "account_manager": customer.get("assigned_am") or NONE,
    }
    return " / ".join(named[name] for name in terms.strata) or "all"


def first_draw(customers: Iterable[Row], terms: Effect) -> set[str]:
    """Return who is withheld of those who are customers when an experiment begins.

    Of each stratum it is the share, but for one. Within a stratum customers stand in the order of their numbers,
    and each so many-th is taken, beginning at a place that is drawn as well. So everybody has the same chance,
    however small a stratum is.
    """
    strata: dict[str, list[str]] = defaultdict(list)
    for customer in customers:
        strata[stratum_of(customer, terms)].append(customer["customer_id"])
    withheld = set[str]()
    for stratum, ids in strata.items():
        begin = draw(terms.experiment, f"stratum {stratum}")
        ordered = sorted(ids, key=lambda id: (draw(terms.experiment, id), id))
        withheld |= {
            id
            for place, id in enumerate(ordered)
            if floor((place + 1) * terms.share + begin) > floor(place * terms.share + begin)
        }
    return withheld


def later_draw(customer_id: str, terms: Effect) -> bool:
    """Whether a customer who comes later is withheld: by its own number alone."""
    return draw(terms.experiment, customer_id) < terms.share


def _band(mrr: float, bands: tuple[int, ...]) -> str:
    below = max((each for each in sorted(bands) if each <= mrr), default=0)
    return f"MRR from {below}"
