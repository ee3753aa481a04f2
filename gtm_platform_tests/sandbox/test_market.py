"""The market of a world: what companies show before they buy."""

from datetime import UTC, date, datetime, timedelta

import pytest

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
    assert len(strangers) == 30
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
    jobs = [job for each in world.market.companies(world.now) for job in each.signals.jobs]
    closed = {job.id for job in jobs if job.closed <= world.now}
    open_now = {job.id for job in jobs if job.posted < world.now < job.closed}
    shown = {job for row in world.truth(date(2026, 3, 8))["market"] for job in row.get("jobs", ())}
    assert closed
    assert shown == open_now
