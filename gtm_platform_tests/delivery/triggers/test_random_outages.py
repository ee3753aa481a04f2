"""Random histories, through the real outbox and over HTTP, to a receiver that fails at random: nothing is lost."""

import random
from typing import Any

import pytest

from gtm_platform.policy import Triggers
from gtm_platform_tests.delivery.triggers.conftest import Room, day_of, firm, person
from gtm_platform_tests.delivery.triggers.receiving import Arrived

KINDS = ("customer_status", "health_score", "risk_signals", "cohort")


def random_day(draw: random.Random) -> list[dict[str, Any]]:
    """Some customers and companies, each as it happens to be."""
    people = [
        person(
            f"c{n}",
            customer_status=draw.choice(["active", "leaving", "churned"]),
            health_score=draw.choice([None, draw.randrange(101)]),
            risk_signals=draw.sample(["low_csat", "inactive_30d", "renewal_soon"], draw.randrange(3)),
            mrr=draw.choice([100, 500]),
        )
        for n in range(6)
        if draw.random() < 0.8
    ]
    firms = [
        firm(f"f{n}", customer_cohort=draw.choice(["a", "b", None]), mrr=500) for n in range(2) if draw.random() < 0.8
    ]
    return people + firms


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(12))
def test_once_the_receiver_is_well_it_has_the_table_and_got_each_change_with_one_id(room: Room, seed: int) -> None:
    draw = random.Random(seed)
    room.rules = Triggers(score_points=1, risk_points=1, switch_off_after_days=30)
    room.add(*KINDS, whole=True, where=("mrr>=300",))
    is_well = False

    def status(_: Arrived) -> int:
        return 200 if is_well or draw.random() < 0.5 else draw.choice([400, 429, 500, 503])

    room.receiver.status = status
    rows: list[dict[str, Any]] = []
    for _ in range(8):
        rows = random_day(draw)
        room.compare(day_of(*rows))
        for _ in range(draw.randrange(3)):
            room.send()
            room.pass_time(minutes=draw.choice([1, 30, 300]))
    is_well = True
    for _ in range(20):
        room.pass_time(days=1)
        room.send()
    assert {each.status for each in room.messages()} <= {"delivered"}
    assert room.receiver.newest() == {
        str(row.get("customer_id") or row["company_id"]): _as_sent(row) for row in rows if row["mrr"] >= 300
    }
    changes: dict[tuple[Any, ...], set[str]] = {}
    for each in room.receiver.arrived:
        data = each.payload["data"]
        key = (data.get("customer_id"), data.get("company_id"), data["sequence"])
        changes.setdefault(key, set()).add(each.id)
    assert all(len(ids) == 1 for ids in changes.values())
    assert len({id for ids in changes.values() for id in ids}) == len(changes) == len(room.messages())


def _as_sent(row: dict[str, Any]) -> dict[str, Any]:
    if "company_id" in row:
        return {"cohort": row["customer_cohort"]}
    return {name: sorted(row[name]) if name == "risk_signals" else row[name] for name in KINDS if name != "cohort"}
