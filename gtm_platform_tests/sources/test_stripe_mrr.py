"""What subscriptions amount to: the worked examples of MRR, each mode of discounts, and what holds for all of them.

Which of it counts is no matter of the source: see core/test_subscriptions.py.
"""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtm_platform.sources.stripe.mrr import Catalogue, Phase, leading_item, phases
from gtm_platform.sources.stripe.shapes import Coupon, Price, Subscription, Unpriced

Shape = dict[str, Any]

JANUARY, FEBRUARY, MARCH = 1767225600, 1769904000, 1772323200
STEPS: list[Shape] = [
    {"up_to": 5, "unit_amount": 1000},
    {"up_to": 20, "unit_amount": 800},
    {"up_to": None, "unit_amount": 600},
]
FLAT: list[Shape] = [
    {"up_to": 10, "unit_amount": 0, "flat_amount": 5000},
    {"up_to": None, "unit_amount": 300, "flat_amount": None},
]


def price(amount: Any, every: str = "month", count: int = 1, **more: Any) -> Shape:
    recurring = {"interval": every, "interval_count": count, "usage_type": more.pop("usage", "licensed")}
    return {
        "id": f"price_{amount}_{every}_{count}",
        "product": "prod_1",
        "currency": "usd",
        "billing_scheme": "per_unit",
        "recurring": recurring,
        "unit_amount_decimal": None if amount is None else str(amount),
        **more,
    }


def item(of: Shape, quantity: int | None = 1, **more: Any) -> Shape:
    return {"id": f"si_{of['id']}", "price": of, "quantity": quantity, "discounts": [], **more}


def tiered(mode: str, tiers: list[Shape], quantity: int) -> Shape:
    return item(price(None, billing_scheme="tiered", tiers_mode=mode, tiers=tiers), quantity)


def percent(off: float, **more: Any) -> Shape:
    return {"id": f"{off}OFF", "percent_off": off, "duration": "forever", **more}


def amount(off: int, currency: str = "usd", **more: Any) -> Shape:
    return {"id": f"{off}OFF", "amount_off": off, "currency": currency, "duration": "forever", **more}


def discount(coupon: Shape, start: int = 0, end: int | None = None) -> Shape:
    return {"id": f"di_{coupon['id']}", "start": start, "end": end, "source": {"type": "coupon", "coupon": coupon}}


def subscription(*items: Shape, **more: Any) -> Shape:
    customer = {"id": "cus_1", "discount": more.pop("inherited", None)}
    return {
        "id": "sub_1",
        "customer": customer,
        "status": "active",
        "currency": "usd",
        "items": {"data": list(items), "has_more": False},
        **more,
    }


def worth(of: Shape) -> list[Phase]:
    """As Stripe shows it: the tiers, the currencies and the products of coupons stand in the catalogue only."""
    known = {each["price"]["id"]: msgspec.convert(each["price"], Price, strict=False) for each in of["items"]["data"]}
    bare = [
        {**each, "price": {**each["price"], "tiers": None, "currency_options": None}} for each in of["items"]["data"]
    ]
    shown = msgspec.json.encode({**of, "items": {"data": bare}})
    return phases(msgspec.json.decode(shown, type=Subscription), Catalogue(known, {}))


def mrr(*items: Shape, **more: Any) -> int:
    return worth(subscription(*items, **more))[-1].mrr_recurring


WORKED = {
    "1 seats": (subscription(item(price(4900), 10)), 49000),
    "2 yearly": (subscription(item(price(120000, "year"))), 10000),
    "3 quarterly": (subscription(item(price(14700, "month", 3))), 4900),
    "4 yearly, rounded": (subscription(item(price(99999, "year"))), 8333),
    "5 weekly": (subscription(item(price(2500, "week"))), 10833),
    "5 every two weeks": (subscription(item(price(5000, "week", 2))), 10833),
    "6 daily": (subscription(item(price(300, "day"))), 9125),
    "6 every thirty days": (subscription(item(price(7000, "day", 30))), 7097),
    "7 graduated": (subscription(tiered("graduated", STEPS, 25)), 20000),
    "8 volume": (subscription(tiered("volume", STEPS, 25)), 15000),
    "9 graduated with a flat amount": (subscription(tiered("graduated", FLAT, 17)), 7100),
    "10 packs, rounded up": (
        subscription(item(price(900, transform_quantity={"divide_by": 100, "round": "up"}), 250)),
        2700,
    ),
    "10 packs, rounded down": (
        subscription(item(price(900, transform_quantity={"divide_by": 100, "round": "down"}), 250)),
        1800,
    ),
    "11 a quarter off": (subscription(item(price(10000)), discounts=[discount(percent(25))]), 7500),
    "12 percent, then amount": (
        subscription(item(price(10000)), discounts=[discount(percent(20)), discount(amount(1500))]),
        6500,
    ),
    "12 amount, then percent": (
        subscription(item(price(10000)), discounts=[discount(amount(1500)), discount(percent(20))]),
        6800,
    ),
    "13 an amount off a yearly invoice": (
        subscription(item(price(120000, "year")), discounts=[discount(amount(12000))]),
        9000,
    ),
    "14 once": (subscription(item(price(10000)), discounts=[discount(percent(50, duration="once"))]), 10000),
    "15 an amount spread over items": (
        subscription(item(price(8000)), item(price(2000)), discounts=[discount(amount(3000))]),
        7000,
    ),
    "16 monthly and yearly": (subscription(item(price(10000)), item(price(60000, "year"))), 15000),
    "19 metered": (subscription(item(price(10, usage="metered"), None), item(price(2000))), 2000),
    "20 cancels at the end of the period": (subscription(item(price(4900)), cancel_at_period_end=True), 4900),
}


@pytest.mark.parametrize("example", WORKED)
def test_worked_example(example: str) -> None:
    of, expected = WORKED[example]
    assert [phase.mrr_recurring for phase in worth(of)][-1] == expected


def test_arr_is_twelve_times_the_unrounded_mrr() -> None:
    assert worth(WORKED["4 yearly, rounded"][0])[0].arr_recurring == 99999


def test_an_amount_is_spread_in_proportion_and_rounded_per_item() -> None:
    thirds = subscription(item(price(100)), item(price(200, "month")), discounts=[discount(amount(100))])
    assert worth(thirds)[-1].arr_recurring.quantize(Decimal("0.000001")) == 2400
    assert worth(thirds)[-1].mrr_recurring == 67 + 133


@pytest.mark.parametrize("status", ["active", "trialing", "unpaid", "canceled"])
def test_it_amounts_to_the_same_whatever_its_status(status: str) -> None:
    assert mrr(item(price(4900)), status=status, pause_collection={"behavior": "void"}, test_clock="clock_1") == 4900


def test_every_mode_of_discounts_is_told() -> None:
    given_away = [
        discount(percent(50, duration="repeating"), end=MARCH),
        discount(percent(50.0, duration="once"), end=MARCH),
    ]
    during = worth(subscription(item(price(10000)), discounts=given_away))[1]
    assert (during.mrr_forever_only, during.mrr_recurring, during.mrr_all) == (10000, 5000, 2500)
    assert (during.arr_forever_only, during.arr_recurring, during.arr_all) == (120000, 60000, 30000)


def test_phases_follow_the_discounts_and_cover_all_time() -> None:
    coming_and_going = [
        discount(percent(50, duration="repeating"), JANUARY, MARCH),
        discount(amount(1000, duration="repeating"), FEBRUARY, MARCH),
    ]
    found = worth(subscription(item(price(10000)), discounts=coming_and_going))
    assert [(phase.begins, phase.ends, phase.mrr_recurring) for phase in found] == [
        (None, JANUARY, 10000),
        (JANUARY, FEBRUARY, 5000),
        (FEBRUARY, MARCH, 4000),
        (MARCH, None, 10000),
    ]


def test_a_discount_that_takes_nothing_off_makes_no_phase() -> None:
    none = percent(0, duration="once")
    assert len(worth(subscription(item(price(10000)), discounts=[discount(none, JANUARY, MARCH)]))) == 1


def test_the_discount_of_an_item_comes_before_that_of_the_subscription() -> None:
    dear = item(price(8000), discounts=[discount(amount(2000))])
    assert mrr(dear, item(price(2000)), discounts=[discount(percent(50))]) == 3000 + 1000


def test_a_customer_s_discount_counts_only_without_one_of_the_subscription() -> None:
    inherited = discount(percent(50))
    assert mrr(item(price(10000)), inherited=inherited) == 5000
    assert mrr(item(price(10000)), inherited=inherited, discounts=[discount(percent(10))]) == 9000


def test_a_coupon_for_some_products_leaves_the_others_alone() -> None:
    other = item(price(2000, product="prod_2"))
    for_one = percent(50, applies_to={"products": ["prod_2"]})
    assert mrr(item(price(8000)), other, discounts=[discount(for_one)]) == 9000


def test_an_amount_is_taken_off_the_items_of_the_shortest_interval() -> None:
    assert mrr(item(price(10000)), item(price(60000, "year")), discounts=[discount(amount(3000))]) == 7000 + 5000


def test_an_amount_off_never_makes_less_than_nothing() -> None:
    assert mrr(item(price(1000)), item(price(500)), discounts=[discount(amount(9900))]) == 0


def test_an_amount_off_in_another_currency_is_not_taken() -> None:
    assert mrr(item(price(10000)), discounts=[discount(amount(1000, "eur"))]) == 10000
    in_both = amount(1000, "eur", currency_options={"usd": {"amount_off": 1200}})
    assert mrr(item(price(10000)), discounts=[discount(in_both)]) == 8800


def test_both_shapes_of_a_discount_are_read() -> None:
    older = {"id": "di_1", "start": 0, "end": None, "coupon": percent(25)}
    assert mrr(item(price(10000)), discounts=[older]) == 7500
    assert mrr(item(price(10000)), discount=older) == 7500


def test_the_catalogue_s_coupon_knows_its_products() -> None:
    of = msgspec.convert(
        subscription(item(price(10000)), discounts=[discount(percent(50))]), Subscription, strict=False
    )
    known = Catalogue({}, {"50OFF": msgspec.convert(percent(50, applies_to={"products": ["prod_9"]}), Coupon)})
    assert phases(of, known)[-1].mrr_recurring == 10000


def test_quantities_of_none_and_nothing() -> None:
    assert mrr(item(price(4900), None)) == 4900
    assert mrr(item(price(4900), 0)) == 0
    assert mrr(tiered("graduated", FLAT, 0)) == 5000


@pytest.mark.parametrize(("quantity", "expected"), [(5, 5000), (6, 5800), (20, 17000), (21, 17600)])
def test_the_edges_of_graduated_tiers(quantity: int, expected: int) -> None:
    assert mrr(tiered("graduated", STEPS, quantity)) == expected


@pytest.mark.parametrize(("quantity", "expected"), [(5, 5000), (6, 4800), (20, 16000), (21, 12600)])
def test_the_edges_of_volume_tiers(quantity: int, expected: int) -> None:
    assert mrr(tiered("volume", STEPS, quantity)) == expected


def test_fractions_of_a_cent() -> None:
    assert mrr(item(price("0.125"), 1000)) == 125
    assert mrr(item(price("0.5"), 1)) == 1


def test_another_currency_of_the_price() -> None:
    options = {"eur": {"unit_amount_decimal": "4500"}}
    assert mrr(item(price(4900, currency_options=options)), currency="eur") == 4500


def test_items_that_are_gone_and_one_time_prices_do_not_count() -> None:
    once = item({**price(7000), "recurring": None})
    assert mrr(item(price(4900)), item(price(900), deleted=True), once) == 4900


def test_what_cannot_be_priced_says_so() -> None:
    with pytest.raises(Unpriced, match="price_4900_month_1 does not tell its amounts in eur"):
        mrr(item(price(4900)), currency="eur")
    unlisted = {"id": "di_1", "start": 0, "source": {"coupon": "GONE"}}
    with pytest.raises(Unpriced, match="di_1 is by the coupon GONE"):
        mrr(item(price(4900)), discounts=[unlisted])


def test_the_leading_item_is_the_one_with_the_largest_amount() -> None:
    small, large, used = item(price(10000)), item(price(130000, "year")), item(price(10, usage="metered"), None)
    of = msgspec.convert(subscription(used, small, large), Subscription, strict=False)
    assert leading_item(of, Catalogue({}, {})) == large["id"]
    of = msgspec.convert(subscription(used), Subscription, strict=False)
    assert leading_item(of, Catalogue({}, {})) == used["id"]


AMOUNTS = st.integers(0, 10_000_000)
INTERVALS = st.sampled_from([("month", 1), ("month", 3), ("year", 1), ("week", 2), ("day", 30)])
ITEMS = st.lists(
    st.builds(lambda of, every, n: item(price(of, *every), n), AMOUNTS, INTERVALS, st.integers(0, 50)), max_size=5
)
COUPONS = st.one_of(
    st.builds(percent, st.integers(1, 1_000_000).map(lambda share: share / 10_000)),
    st.builds(amount, st.integers(1, 10_000_000)),
)


@given(ITEMS, st.lists(COUPONS, max_size=4))
def test_never_negative_and_never_more_than_without_discounts(items: list[Shape], coupons: list[Shape]) -> None:
    for position, each in enumerate(items):
        each["id"] = f"si_{position}"
    discounted = mrr(*items, discounts=[discount(each) for each in coupons])
    assert 0 <= discounted <= mrr(*items)


@given(ITEMS)
def test_a_subscription_is_the_sum_of_its_items(items: list[Shape]) -> None:
    assert mrr(*items) == sum(mrr(each) for each in items)


@given(AMOUNTS, st.integers(1, 50))
def test_a_yearly_price_of_twelve_months_is_worth_the_same(monthly: int, seats: int) -> None:
    by_month, by_year = (
        worth(subscription(each))[0] for each in (item(price(monthly), seats), item(price(12 * monthly, "year"), seats))
    )
    assert by_month == by_year


@given(st.sampled_from(["graduated", "volume"]), st.integers(0, 60))
def test_the_order_of_tiers_does_not_matter(mode: str, quantity: int) -> None:
    assert mrr(tiered(mode, STEPS, quantity)) == mrr(tiered(mode, STEPS[::-1], quantity))
