"""The market of a world: what companies show before they buy."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from gtm_platform.sandbox.world.sessions import Usage
from gtm_platform.sandbox.world.world import World

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def world() -> World:
    world = World(7, 300, START)
    world.advance(START + timedelta(days=8))
    return world


def test_the_market_does_not_depend_on_the_steps_of_the_clock(world: World) -> None:
    other = World(7, 300, START)
    for hours in (5, 30, 31, 100, 192):
        other.advance(START + timedelta(hours=hours))
    day = date(2026, 3, 8)
    assert other.truth(day)["market"] == world.truth(day)["market"]


def test_strangers_are_in_no_other_system(world: World) -> None:
    strangers = {each.company.domain for each in world.market.companies(world.now) if each.is_stranger}
    assert len(strangers) == 30 + len(world.market.movers)
    strangers -= {each.company.domain for each in world.market.movers if each.then == "customer"}
    firms = {record.properties.get("domain") for record in world.hubspot.objects["companies"].values()}
    assert not strangers & firms
    addresses = [contact.properties.get("email") or "" for contact in world.hubspot.objects["contacts"].values()]
    assert not strangers & {address.rpartition("@")[2] for address in addresses}


def test_a_company_whose_only_sign_was_a_competitor_comes_into_the_market_as_time_passes(world: World) -> None:
    before = {row["domain"]: row for row in world.truth(date(2026, 2, 28))["market"]}
    after = {row["domain"]: row for row in world.truth(date(2026, 3, 8))["market"]}
    turned = [
        domain
        for domain, row in after.items()
        if ("jobs" in row or "visits" in row)
        and "competitors" in before.get(domain, {})
        and not {"jobs", "visits", "acts"} & before[domain].keys()
    ]
    assert turned


def test_a_closed_job_post_is_no_sign_any_more(world: World) -> None:
    jobs = [job for each in world.market.companies(world.now) for job in each.signals.jobs if job.is_ai]
    closed = {job.id for job in jobs if job.closed <= world.now}
    open_now = {job.id for job in jobs if job.posted < world.now < job.closed}
    shown = {job for row in world.truth(date(2026, 3, 8))["market"] for job in row.get("jobs", ())}
    assert closed
    assert shown == open_now


# --- companies that move ---------------------------------------------------------------------------------------------

Change = tuple[str | None, str | None]


def changes(world: World, first: date, days: int) -> Counter[Change]:
    """Count the changes of cohorts, and of customers being dormant, over so many days after the first."""
    counts: Counter[Change] = Counter()
    standings = [
        {row["domain"]: row for row in world.truth(first + timedelta(days=number))["cohorts"]}
        for number in range(days + 1)
    ]
    for before, now in pairwise(standings):
        for domain in before.keys() | now.keys():
            then, since = before.get(domain, {}), now.get(domain, {})
            if then.get("cohort") != since.get("cohort"):
                counts[then.get("cohort"), since.get("cohort")] += 1
            elif then["dormant"] != since["dormant"]:
                counts["dormant" if then["dormant"] else "active", "dormant" if since["dormant"] else "active"] += 1
    return counts


MOVES: tuple[Change, ...] = (
    ("competitor", "in_market"),
    ("competitor", "customer"),
    ("in_market", "customer"),
    ("competitor", "partner"),
    ("in_market", "partner"),
    ("active", "dormant"),
    ("dormant", "active"),
)


def test_in_the_first_days_of_a_small_world_companies_make_every_move(world: World) -> None:
    counts = changes(world, START.date(), 3)
    assert {move for move in MOVES if not counts[move]} == set()


def test_in_four_days_of_the_demos_world_ten_companies_make_every_move() -> None:
    demo = World(7, 1500, START)
    demo.advance(START + timedelta(days=4))
    counts = changes(demo, START.date(), 3)
    assert {move: counts[move] for move in MOVES if counts[move] < 10} == {}


def test_who_signs_up_for_a_company_of_the_market_is_in_the_systems_of_a_customer(world: World) -> None:
    bought = {each.company.domain for each in world.market.movers if each.then == "customer"}
    people = {person["company_domain"]: person for person in world.truth(date(2026, 3, 8))["people"]}
    assert bought <= people.keys()
    assert all(people[domain]["signed_up"] for domain in bought)
    firms = {record.properties.get("domain") for record in world.hubspot.objects["companies"].values()}
    assert bought & firms
    before = {person["company_domain"] for person in world.truth(date(2026, 2, 28))["people"]}
    assert not bought & before


def test_in_a_quiet_spell_nobody_is_seen_and_on_the_days_beside_it_everybody_is() -> None:
    first, over = date(2026, 2, 2), date(2026, 2, 20)
    usage = Usage("somebody", date(2026, 1, 1), 0.3, (first, over))
    seen = [day for day in (date(2026, 1, 20) + timedelta(days=number) for number in range(40)) if usage.sight(day)]
    assert not [day for day in seen if first <= day < over]
    assert {first - timedelta(days=1), over} <= set(seen)
    before = datetime(2026, 2, 19, tzinfo=UTC)
    latest = usage.latest(before, datetime(2026, 1, 1, tzinfo=UTC))
    assert latest
    assert latest.date() == first - timedelta(days=1)
    usage.phases.append((date(2026, 1, 30), 0.0))  # who left does not come back
    assert usage.sight(over) is None
