"""What subscriptions amount to where they, the prices and the coupons are read from landed tables."""

from collections.abc import Iterator
from functools import partial
from typing import TypeVar

import msgspec

from gtm_platform.sources.landed.landing import Finish, Records
from gtm_platform.sources.stripe.mrr import Catalogue
from gtm_platform.sources.stripe.pricing import priced_as_shown
from gtm_platform.sources.stripe.shapes import Coupon, Price

T = TypeVar("T", Price, Coupon)


def pricing(records: Records) -> Finish:
    """Return what puts beside a subscription what it amounts to, by all prices and coupons that were landed."""
    catalogue = Catalogue(_by_id(records.all("prices"), Price), _by_id(records.all("coupons"), Coupon))
    return partial(priced_as_shown, catalogue)


def _by_id(raws: Iterator[bytes], shape: type[T]) -> dict[str, T]:
    read = (msgspec.json.decode(raw, type=shape) for raw in raws)
    return {each.id: each for each in read}
