"""Why customers leave: each cause shows in the systems from the day that truth names, and changes nothing else."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gtm_platform.sandbox.world import World
from gtm_platform.sandbox.world.departures import (
    CHAMPION_LEAVES,
    FAILED_PAYMENTS,
    NONE,
    SHORTEST_STAY,
    SILENCE,
    TICKETS,
    USE_FALLS,
    Departure,
)
from gtm_platform.sandbox.world.history import PersonHistory, as_of
from gtm_platform.sandbox.world.hubspot_file import BOUNCE_REASON, UNKNOWN_USER

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
Departed = list[tuple[PersonHistory, Departure]]


@pytest.fixture(scope="module")
def world() -> World:
    """A world of which half a year is over."""
    world = World(seed=21, people=1200, start=START)
    world.advance(START + 200 * DAY)
    return world


@pytest.fixture(scope="module")
def departed(world: World) -> dict[str, Departed]:
    """Who left well after the start, by cause."""
    causes = defaultdict[str, Departed](list)
    for person in world._context.histories:
        for departure in person.departures:
            if START + 101 * DAY < departure.end < world.now:
                causes[departure.cause].append((person, departure))
    return causes


def logins(person: PersonHistory, first: datetime, days: int) -> float:
    """Logins per day of some days from one on."""
    assert person.product
    last = first + (days - 1) * DAY
    return person.product.use.count(first.date(), last.date(), last + DAY) / days


def test_every_cause_occurs_and_shows_as_long_before_as_it_should(departed: dict[str, Departed]) -> None:
    shows = {
        cause: [(departure.end - departure.shows_from) / DAY for _, departure in cases if departure.shows_from]
        for cause, cases in departed.items()
    }
    assert {cause: len(cases) >= 2 for cause, cases in departed.items()} == dict.fromkeys(
        (USE_FALLS, SILENCE, TICKETS, FAILED_PAYMENTS, CHAMPION_LEAVES, NONE), True
    )
    assert all(60 <= days <= 100 for days in shows[USE_FALLS])
    assert all(50 <= days <= 80 for days in shows[SILENCE])
    assert all(50 <= days <= 85 for days in shows[CHAMPION_LEAVES])
    assert all(75 <= days <= 85 for days in shows[TICKETS])
    assert shows[NONE] == []


def test_the_use_of_the_silent_stops_on_the_day_that_truth_names(departed: dict[str, Departed]) -> None:
    for person, departure in (*departed[SILENCE], *departed[CHAMPION_LEAVES]):
        assert departure.shows_from
        silent = departure.shows_from + DAY
        assert logins(person, silent, (departure.end - silent).days) == 0


def test_mail_of_a_champion_who_left_bounces_and_the_seat_is_gone_soon_after_the_last_sight(
    departed: dict[str, Departed],
) -> None:
    shown = Counter[str]()
    for person, departure in departed[CHAMPION_LEAVES]:
        signs = {
            "hubspot": [each.bounced for each in person.hubspot if each.bounced],
            "intercom": [each.bounced for each in person.intercom if each.bounced],
            "seat": [account.closed for _, account in person.panels() if account.closed],
        }
        shown.update(sign for sign, moments in signs.items() if moments)
        for moments in signs.values():
            assert all(departure.shows_from < at < departure.shows_from + 13 * DAY for at in moments)
    assert set(shown) == {"hubspot", "intercom", "seat"}


def test_truth_says_so_of_nobody_else(world: World) -> None:
    rows = {row["person"]: row for row in world.truth((world.now - DAY).date())["people"]}
    left = {
        person.key for person in world._context.histories for each in person.departures if each.cause == CHAMPION_LEAVES
    }
    bounces = {key for key, row in rows.items() if row["mail_bounces"]}
    seatless = {key for key, row in rows.items() if row["seat_deactivated"]}
    assert min(len(bounces), len(seatless)) > 0
    assert bounces != seatless
    assert bounces | seatless <= left
    full = {
        contact.id
        for contact in world.hubspot.objects["contacts"].values()
        if contact.properties.get(BOUNCE_REASON, UNKNOWN_USER) != UNKNOWN_USER
    }
    assert full  # whose mail comes back for another reason, and who is still there
    assert {key for key, row in rows.items() if full & set(row["hubspot"])} - left


def test_use_falls_in_steps_and_goes_on_to_the_end_without_a_cause(departed: dict[str, Departed]) -> None:
    fallen = [_before_and_after(*case) for case in departed[USE_FALLS]]
    before, after = (sum(rates) for rates in zip(*fallen, strict=True))
    assert after < before / 4
    steady = [(logins(p, d.end - 120 * DAY, 60), logins(p, d.end - 21 * DAY, 20)) for p, d in departed[NONE]]
    before, after = (sum(rates) for rates in zip(*steady, strict=True))
    assert 0.7 < after / before < 1.4


def _before_and_after(person: PersonHistory, departure: Departure) -> tuple[float, float]:
    assert departure.shows_from
    return logins(person, departure.shows_from - 30 * DAY, 30), logins(person, departure.end - 25 * DAY, 20)


def test_the_angry_write_and_have_a_critical_ticket_open(departed: dict[str, Departed]) -> None:
    for person, departure in departed[TICKETS]:
        assert departure.shows_from
        cases = [case for case in person.cases if departure.shows_from <= case.since < departure.end]
        if not cases or cases[0].history.until:
            continue  # the contact was deleted
        assert len(cases) >= 6
        assert any(case.is_ticket and as_of(case.states, departure.end) == (True, True) for case in cases)


def test_renewals_fail_before_the_one_that_is_never_paid(departed: dict[str, Departed]) -> None:
    late = 0
    for person, departure in departed[FAILED_PAYMENTS]:
        assert departure.shows_from
        failures = [at for account in person.accounts for at in account.failures]
        assert any(departure.shows_from <= at < departure.end for at in failures)
        late += departure.end - departure.shows_from > 42 * DAY
    assert late >= len(departed[FAILED_PAYMENTS]) / 3


def test_truth_names_cause_and_day_of_who_will_leave_and_of_who_left(
    world: World, departed: dict[str, Departed]
) -> None:
    rows: dict[str, Any] = {row["person"]: row for row in world.truth((START + 100 * DAY).date())["people"]}
    named = Counter[str]()
    for cases in departed.values():
        for person, departure in cases:
            row = rows.get(person.key)
            if row and row["churn_cause"] == departure.cause and row["churns_at"] == _wire(departure.end):
                assert row["churn_shows_from"] == _wire(departure.shows_from)
                named[departure.cause] += 1
    assert len(named) == 6
    assert {row["churn_shows_from"] for row in rows.values() if row["churn_cause"] in (None, NONE)} == {None}


def test_who_leaves_soon_has_no_cause(world: World) -> None:
    for person in world._context.histories:
        for contract in person.departures:
            starts = [record.since for record in (*person.accounts, *person.orb) if record.since <= contract.end]
            assert not starts or contract.end - min(starts) >= SHORTEST_STAY


def test_a_share_of_those_who_would_leave_stays_where_a_world_is_asked_to() -> None:
    restless, calm = World(6, 300, START), World(6, 300, START, staying=0.9)
    for world in (restless, calm):
        world.advance(START + 100 * DAY)
    customers = [world.truth((START + 99 * DAY).date())["totals"]["customers"] for world in (restless, calm)]
    assert customers[1] > customers[0] * 1.2
    assert World(6, 60, START).stripe == World(6, 60, START, staying=0.0).stripe


def _wire(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None
