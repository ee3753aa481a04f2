"""What Orb subscriptions amount to: the worked examples of MRR, adjustments in all forms, and what holds for all."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtm_platform.ingest.record import RawRecord
from gtm_platform.sources.orb.mrr import Phase, phases, unpriced
from gtm_platform.sources.orb.pricing import priced
from gtm_platform.sources.orb.shapes import Subscription

Shape = dict[str, Any]
OCTOBER, NOVEMBER, DECEMBER, JANUARY = (f"2026-{month:02}-01T00:00:00+00:00" for month in (10, 11, 12, 1))
IN_NOVEMBER, IN_DECEMBER = datetime(2026, 11, 15, tzinfo=UTC), datetime(2026, 12, 15, tzinfo=UTC)
STEPS: list[Shape] = [
    {"first_unit": 0, "last_unit": 10, "unit_amount": "50.00"},
    {"first_unit": 10, "last_unit": None, "unit_amount": "40.00"},
]


def price(model: str = "unit", months: int = 1, **more: Any) -> Shape:
    cycle = more.pop("cycle", {"duration": months, "duration_unit": "month"})
    return {
        "id": "price_1",
        "price_type": "fixed_price",
        "model_type": model,
        "cadence": "monthly",
        "billing_cycle_configuration": cycle,
        "currency": "USD",
        "fixed_price_quantity": 1.0,
        **more,
    }


def unit(amount: str, quantity: float | None = 1.0, **more: Any) -> Shape:
    return price(unit_config={"unit_amount": amount}, fixed_price_quantity=quantity, **more)


def by_use(**more: Any) -> Shape:
    return unit("0.01", None, price_type="usage_price", **more)


def interval(of: Shape, name: str = "pi_1", start: str = OCTOBER, end: str | None = None, **more: Any) -> Shape:
    return {"id": name, "start_date": start, "end_date": end, "price": of, **more}


def adjustment(kind: str, value: Any, start: str = OCTOBER, end: str | None = None, **more: Any) -> Shape:
    field = f"{kind}_amount" if kind in ("minimum", "maximum") else kind
    scope = more.pop("scope", ["pi_1"])
    terms = {"adjustment_type": kind, field: value, **more}
    return {"adjustment": terms, "applies_to_price_interval_ids": scope, "start_date": start, "end_date": end}


def subscription(*intervals: Shape, **more: Any) -> Shape:
    return {"id": "sub_1", "price_intervals": list(intervals), **more}


def read(of: Shape) -> Subscription:
    return msgspec.json.decode(msgspec.json.encode(of), type=Subscription)


def at(of: Shape, moment: datetime = IN_NOVEMBER) -> Phase:
    """The phase of a moment."""
    [phase] = [
        each
        for each in phases(read(of))
        if (each.begins is None or each.begins <= moment) and (each.ends is None or moment < each.ends)
    ]
    return phase


def mrr(of: Shape, moment: datetime = IN_NOVEMBER) -> str:
    return str(at(of, moment).mrr or 0)


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (subscription(interval(unit("40.00", 20.0))), "800.00"),
        (subscription(interval(unit("12000.00", months=12, cadence="annual"))), "1000.00"),
        (
            subscription(
                interval(unit("2700.00", months=3)), adjustment_intervals=[adjustment("percentage_discount", 0.1)]
            ),
            "810.00",
        ),
        (subscription(interval(by_use()), adjustment_intervals=[adjustment("minimum", "500.00")]), "500.00"),
        (subscription(interval(by_use())), "0"),
        (subscription(interval(price("tiered", tiered_config={"tiers": STEPS}, fixed_price_quantity=14.0))), "660.00"),
        (subscription(interval(unit("300.00", cycle={"duration": 30, "duration_unit": "day"}))), "304.17"),
    ],
    ids=["seats", "annual", "quarterly less 10 %", "minimum", "use alone", "tiers", "30 days"],
)
def test_worked_examples(of: Shape, expected: str) -> None:
    assert mrr(of) == expected


def test_a_quantity_to_come_counts_from_its_day_on() -> None:
    step = {"effective_date": DECEMBER, "price_id": "price_1", "quantity": 25}
    of = subscription(interval(unit("40.00", 20.0), fixed_fee_quantity_transitions=[step]))
    assert [mrr(of, IN_NOVEMBER), mrr(of, IN_DECEMBER)] == ["800.00", "1000.00"]
    first_instant = datetime.fromisoformat(DECEMBER)
    assert [mrr(of, first_instant - timedelta(microseconds=1)), mrr(of, first_instant)] == ["800.00", "1000.00"]


def test_without_transitions_the_schedule_counts_and_without_both_what_it_began_with() -> None:
    schedule = [{"price_id": "price_1", "quantity": 30, "start_date": NOVEMBER, "end_date": DECEMBER}]
    of = subscription(interval(unit("40.00", 20.0)), fixed_fee_quantity_schedule=schedule)
    assert [mrr(of, IN_NOVEMBER), mrr(of, IN_DECEMBER)] == ["1200.00", "800.00"]
    assert mrr(subscription(interval(unit("40.00", None)))) == "40.00"


@pytest.mark.parametrize(("quantity", "expected"), [(10.0, "500.00"), (11.0, "330.00"), (0.0, "0")])
def test_bulk_prices_all_units_by_the_step_reached(quantity: float, expected: str) -> None:
    steps = [{"maximum_units": 10, "unit_amount": "50.00"}, {"maximum_units": None, "unit_amount": "30.00"}]
    of = subscription(interval(price("bulk", bulk_config={"tiers": steps}, fixed_price_quantity=quantity)))
    assert mrr(of) == expected


@pytest.mark.parametrize(("quantity", "expected"), [(50.0, "100.00"), (51.0, "200.00"), (0.0, "0")])
def test_packages_are_whole(quantity: float, expected: str) -> None:
    config = {"package_amount": "100.00", "package_size": 50}
    assert mrr(subscription(interval(price("package", package_config=config, fixed_price_quantity=quantity)))) == (
        expected
    )


def test_an_interval_counts_from_its_start_until_before_its_end() -> None:
    of = subscription(interval(unit("40.00"), start=NOVEMBER, end=DECEMBER))
    start, end = datetime.fromisoformat(NOVEMBER), datetime.fromisoformat(DECEMBER)
    assert [(each.begins, each.ends, str(each.mrr)) for each in phases(read(of))] == [
        (None, start, "0"),
        (start, end, "40.00"),
        (end, None, "0"),
    ]


def test_what_is_billed_once_is_no_recurring_revenue() -> None:
    assert mrr(subscription(interval(unit("900.00", cadence="one_time")))) == "0"


def test_a_cadence_stands_for_a_missing_cycle() -> None:
    assert mrr(subscription(interval(unit("600.00", cadence="semi_annual", cycle=None)))) == "100.00"


def test_amounts_off_are_per_cycle_and_never_more_than_the_fee() -> None:
    quarterly = interval(unit("2700.00", months=3))
    assert mrr(subscription(quarterly, adjustment_intervals=[adjustment("amount_discount", "300.00")])) == "800.00"
    assert mrr(subscription(quarterly, adjustment_intervals=[adjustment("amount_discount", "9999.00")])) == "0"


def test_amounts_come_off_before_percentages_and_both_before_the_minimum() -> None:
    percent, amount = adjustment("percentage_discount", 0.5), adjustment("amount_discount", "20.00")
    seats = interval(unit("100.00"))
    assert mrr(subscription(seats, adjustment_intervals=[percent, amount])) == "40.00"
    least = adjustment("minimum", "60.00")
    assert mrr(subscription(seats, adjustment_intervals=[least, percent, amount])) == "60.00"


def test_a_discount_touches_only_what_it_is_for_and_while_it_holds() -> None:
    two = (interval(unit("100.00")), interval(unit("50.00", id="price_2"), "pi_2"))
    off = adjustment("percentage_discount", 0.5, end=DECEMBER, scope=["pi_2"])
    of = subscription(*two, adjustment_intervals=[off])
    assert [mrr(of, IN_NOVEMBER), mrr(of, IN_DECEMBER)] == ["125.00", "150.00"]
    assert str(at(of).list_mrr) == "150.00"


def test_an_adjustment_of_all_invoices_without_a_list_is_for_all() -> None:
    two = (interval(unit("100.00")), interval(unit("50.00", id="price_2"), "pi_2"))
    off = adjustment("percentage_discount", 0.5, scope=[], is_invoice_level=True)
    assert mrr(subscription(*two, adjustment_intervals=[off])) == "75.00"
    assert (
        mrr(
            subscription(
                *two, adjustment_intervals=[{**off, "adjustment": {**off["adjustment"], "is_invoice_level": False}}]
            )
        )
        == "150.00"
    )


def test_units_off_and_kinds_to_come_leave_fixed_fees_as_they_are() -> None:
    others = [adjustment("usage_discount", 5), adjustment("tiered_percentage_discount", None)]
    assert mrr(subscription(interval(unit("100.00")), adjustment_intervals=others)) == "100.00"


def test_a_maximum_caps() -> None:
    assert mrr(subscription(interval(unit("100.00")), adjustment_intervals=[adjustment("maximum", "80.00")])) == "80.00"


def test_a_minimum_is_per_scope_and_covers_fixed_fees() -> None:
    intervals = (interval(unit("300.00")), interval(by_use(id="price_2"), "pi_2"))
    of = subscription(*intervals, adjustment_intervals=[adjustment("minimum", "500.00", scope=["pi_1", "pi_2"])])
    assert mrr(of) == "500.00"
    apart = subscription(*intervals, adjustment_intervals=[adjustment("minimum", "500.00", scope=["pi_2"])])
    assert mrr(apart) == "800.00"


def test_a_minimum_on_what_has_ended_is_none() -> None:
    ended = interval(by_use(), end=NOVEMBER)
    assert mrr(subscription(ended, adjustment_intervals=[adjustment("minimum", "500.00")])) == "0"


def test_the_older_lists_count_only_without_the_newer_one() -> None:
    span = {"start_date": OCTOBER, "end_date": None, "applies_to_price_interval_ids": ["pi_1"]}
    older = [{**span, "discount_type": "percentage", "percentage_discount": 0.15}]
    amount = [{**span, "discount_type": "amount", "amount_discount": "10.00"}]
    units = [{**span, "discount_type": "usage", "usage_discount": 3}]
    seats = interval(unit("100.00"))
    assert mrr(subscription(seats, discount_intervals=older)) == "85.00"
    assert mrr(subscription(seats, discount_intervals=amount + units)) == "90.00"
    both = subscription(seats, discount_intervals=older, adjustment_intervals=[adjustment("percentage_discount", 0.15)])
    assert mrr(both) == "85.00"
    assert mrr(subscription(seats, minimum_intervals=[{**span, "minimum_amount": "120.00"}])) == "120.00"
    assert mrr(subscription(seats, maximum_intervals=[{**span, "maximum_amount": "70.00"}])) == "70.00"


def test_a_pricing_unit_of_the_firms_own_is_converted() -> None:
    credits_ = unit("100", currency="credits", conversion_rate=0.25)
    of = subscription(interval(credits_), plan={"currency": "credits", "invoicing_currency": "EUR"})
    assert (mrr(of), read(of).currency) == ("25.00", "EUR")
    config = {"conversion_rate_type": "unit", "unit_config": {"unit_amount": "0.5"}}
    other = unit("100", currency="credits", conversion_rate=None, conversion_rate_config=config)
    of = subscription(interval(other), plan=None, customer={"currency": "GBP"})
    assert (mrr(of), read(of).currency, at(of).unit_amount) == ("50.00", "GBP", Decimal("50.0"))


def test_each_currency_has_its_own_decimals() -> None:
    def third(currency: str) -> str:
        return mrr(subscription(interval(unit("100", months=3, currency=currency))))

    assert [third(currency) for currency in ("USD", "JPY", "KWD")] == ["33.33", "33", "33.333"]


def test_halves_are_rounded_up_once_at_the_end() -> None:
    half = interval(unit("0.01", months=2))
    assert mrr(subscription(half)) == "0.01"
    two = (half, interval(unit("0.01", months=2, id="price_2"), "pi_2"))
    assert mrr(subscription(*two)) == "0.01"
    assert str(at(subscription(*two)).arr) == "0.120000"


def test_the_largest_fixed_fee_leads() -> None:
    two = (interval(unit("10.00", 3.0)), interval(unit("600.00", id="price_2", months=12), "pi_2"))
    lead = at(subscription(*two))
    assert (lead.price_id, lead.quantity, lead.unit_amount) == ("price_2", Decimal(1), Decimal(600))
    assert (lead.cycle_duration, lead.cycle_unit) == (12, "month")
    assert at(subscription(interval(by_use()))).price_id is None


def test_a_model_that_is_not_known_counts_as_nothing_and_is_named() -> None:
    of = subscription(interval(price("matrix", matrix_config={})), interval(unit("40.00", id="price_2"), "pi_2"))
    assert mrr(of) == "40.00"
    assert unpriced(read(of)) == ["price_1: matrix"]
    assert unpriced(read(subscription(interval(by_use(model="matrix"))))) == []


def test_a_subscription_without_prices_or_plan_is_worth_nothing() -> None:
    assert [each.mrr for each in phases(read(subscription(plan=None)))] == [0]


def test_one_that_cannot_be_read_is_quarantined_without_showing_its_values() -> None:
    raw = msgspec.json.encode(subscription(interval(unit("about a hundred"))))
    result = priced(raw)
    assert isinstance(result, RawRecord)
    assert "unit_amount" in result.unusable
    assert "hundred" not in result.unusable
    without_zone = priced(msgspec.json.encode(subscription(interval(unit("1"), start="2026-10-01T00:00:00"))))
    assert isinstance(without_zone, RawRecord)
    assert without_zone.unusable
    assert priced(b"{'") == b"{'"


DAYS = st.integers(0, 400).map(lambda days: (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days)).isoformat())
ENDS = st.one_of(st.none(), DAYS)


@given(
    st.lists(st.tuples(DAYS, ENDS, st.integers(0, 50), st.sampled_from([1, 3, 12])), max_size=4),
    st.lists(st.tuples(DAYS, ENDS, st.sampled_from(["percentage_discount", "amount_discount", "minimum"])), max_size=4),
)
def test_phases_cover_all_time_without_gaps_and_differ_from_their_neighbours(
    spans: list[tuple[str, str | None, int, int]], offs: list[tuple[str, str | None, str]]
) -> None:
    intervals = [
        interval(unit("10.00", float(quantity), months=months, id=f"price_{n}"), f"pi_{n}", start, end)
        for n, (start, end, quantity, months) in enumerate(spans)
    ]
    scope = [each["id"] for each in intervals]
    adjustments = [
        adjustment(kind, 0.2 if kind == "percentage_discount" else "7.00", start, end, scope=scope)
        for start, end, kind in offs
    ]
    every = phases(read(subscription(*intervals, adjustment_intervals=adjustments)))
    assert (every[0].begins, every[-1].ends) == (None, None)
    for before, after in pairwise(every):
        assert before.ends == after.begins
        assert replace(before, begins=None, ends=None) != replace(after, begins=None, ends=None)
    assert all(each.mrr >= 0 and abs(each.arr - 12 * each.mrr) <= Decimal("0.07") for each in every)
