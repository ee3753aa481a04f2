"""MRR movements over random histories, beside a ledger that is kept by hand."""

from datetime import date
from typing import Any

import ibis
import pytest

from gtm_platform.intelligence.movements import mrr_movements
from gtm_platform.intelligence.movements.checks import do_not_add_up, opening_is_no_closing
from gtm_platform.policy import MrrPolicy, Policy, policy
from gtm_platform_tests.intelligence.histories import CHANGED, DAYS, GAINS, LOSSES, RATES, History, Ledger, rates_on
from gtm_platform_tests.tables import computed, filled, rows_of

SERVICE = MrrPolicy(name="service", ends="service_end")
FIGURES = ("opening", "fx", *GAINS, *LOSSES, "closing")


def rules_on(day: date) -> Policy:
    rules = policy()
    revenue = rules.revenue.model_copy(update={"compared": (*rules.revenue.compared, SERVICE)})
    money = rules.money.model_copy(update={"rates": rates_on(day)})
    return rules.model_copy(update={"revenue": revenue, "money": money})


def moved(
    history: History,
    day: date,
    previous: ibis.Table | None,
    people: ibis.Table | None = None,
    rules: Policy | None = None,
) -> ibis.Table:
    paid = [{"customer_id": name, "first_paid_at": at} for name, at in history.paid_at.items()]
    return computed(
        mrr_movements.table,
        "intelligence/mrr_movements",
        subscriptions=filled("core/subscriptions", *history.subscriptions[day]),
        revenue=filled("core/revenue", *paid),
        people=filled("identity/people") if people is None else people,
        previous=filled("intelligence/mrr_movements") if previous is None else previous,
        policy=rules or rules_on(day),
        day=day,
    )


def by_customer(table: ibis.Table, name: str) -> dict[str, dict[str, int]]:
    sums: dict[str, dict[str, int]] = {}
    for row in rows_of(table):
        if row["mrr_policy"] == name:
            of_customer = sums.setdefault(row["customer_id"], dict.fromkeys(FIGURES, 0))
            for figure in FIGURES:
                of_customer[figure] += row[figure]
    return sums


def test_movements_of_random_histories_are_those_of_a_ledger_kept_by_hand() -> None:
    history = History.random(seed=18, customers=400)
    ledgers = [Ledger(name) for name in ("ours", "stripe", "chartmogul", "service")]
    before: ibis.Table | None = None
    happened = dict.fromkeys(("fx", *GAINS, *LOSSES), 0)
    for day in DAYS:
        now = moved(history, day, before)
        assert not rows_of(do_not_add_up(now))
        if before is not None:
            assert not rows_of(opening_is_no_closing(now, before))
        for ledger in ledgers:
            expected = {name: row for name, row in ledger.go_on(history, day).items() if any(row.values())}
            shown = {name: row for name, row in by_customer(now, ledger.name).items() if any(row.values())}
            assert shown == expected, (ledger.name, day)
            for row in shown.values():
                assert (
                    row["opening"] + row["fx"] + sum(row[name] for name in GAINS) - sum(row[name] for name in LOSSES)
                    == row["closing"]
                )
                for name in happened:
                    happened[name] += row[name] != 0
        before = now
    assert all(count > 20 for count in happened.values()), "a history in which nothing of a kind happens shows nothing"


def test_the_rate_alone_moves_nothing_but_fx() -> None:
    row = {"subscription_id": "s", "customer_id": "a", "is_leading": True, "currency": "eur", "status": "active"}
    amounts = dict.fromkeys(("mrr_forever_only", "mrr_recurring", "mrr_all"), 100)
    history = History({day: [row | amounts] for day in DAYS})
    first = moved(history, DAYS[4], None)
    assert DAYS[4] >= CHANGED, "the rates have changed by then"
    assert RATES[0]["eur"] != RATES[1]["eur"]
    first = moved(history, DAYS[0], None)
    rows = {row["mrr_policy"]: row for row in rows_of(moved(history, DAYS[4], first))}
    assert [rows["ours"][name] for name in FIGURES] == [10900, 637, 0, 0, 0, 0, 0, 11537]
    assert [rows["chartmogul"][name] for name in FIGURES] == [10900, 0, 0, 0, 0, 0, 0, 10900]


def test_who_was_merged_goes_on_with_what_both_had() -> None:
    def paying(name: str, amount: int) -> dict[str, Any]:
        amounts = dict.fromkeys(("mrr_forever_only", "mrr_recurring", "mrr_all"), amount)
        row = {"subscription_id": name, "customer_id": name, "is_leading": True, "currency": "usd", "status": "active"}
        return row | amounts

    history = History({DAYS[0]: [paying("a", 10), paying("b", 20)], DAYS[2]: [paying("a", 30)]})
    first = moved(history, DAYS[0], None)
    merged = filled("identity/people", {"customer_id": "a", "aliases": ["b"]})
    rows = by_customer(moved(history, DAYS[2], first, merged), "ours")
    assert {name: row for name, row in rows.items() if any(row.values())} == {
        "a": dict.fromkeys(FIGURES, 0) | {"opening": 3000, "closing": 3000}
    }


@pytest.mark.parametrize(("period", "openings"), [("day", [10, 10, 20]), ("week", [10, 10, 10]), ("month", [10] * 3)])
def test_periods_begin_when_the_policy_says(period: str, openings: list[int]) -> None:
    """Thursday, Friday and Saturday of a week, at 10, 20 and 30."""
    days = [date(2026, 2, day) for day in (12, 13, 14)]
    amounts = ("mrr_forever_only", "mrr_recurring", "mrr_all")
    row = {"subscription_id": "s", "customer_id": "a", "is_leading": True, "currency": "usd", "status": "active"}
    history = History({day: [row | dict.fromkeys(amounts, 10 * place)] for place, day in enumerate(days, 1)})
    rules = policy()
    rules = rules.model_copy(update={"revenue": rules.revenue.model_copy(update={"period": period})})
    before, opened = None, []
    for day in days:
        before = moved(history, day, before, rules=rules)
        opened.append(by_customer(before, "ours")["a"]["opening"] // 100)
    assert opened == openings
