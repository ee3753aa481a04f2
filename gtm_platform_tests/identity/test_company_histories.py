"""Companies through random histories, against an oracle: who is one, and ids that stay what they were."""

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from gtm_platform_tests.identity.company_world import World, made
from gtm_platform_tests.tables import DAY, Row

pytestmark = pytest.mark.soak

DOMAINS = [f"firm{number}.example" for number in range(14)]
PROVIDER = "gmail.com"
SEEDS = range(3)
Made = list[Row]


def a_world(draw: random.Random) -> World:
    """Draw records with few domains among them, so that many meet."""

    def domain() -> str | None:
        return draw.choice([None, None, PROVIDER, *DOMAINS, *DOMAINS])

    def company(number: int) -> dict[str, Any]:
        further = draw.sample(DOMAINS, draw.choice((0, 0, 0, 1, 1, 2)))
        return {"id": str(number), "name": f"Firm {number}", "domain": domain(), "additional_domains": further}

    hubspot = [company(number) for number in range(12)]
    for number, winner in enumerate(draw.sample(hubspot, 2)):
        winner["merged_ids"] = [str(90 + number)]
    people = [{"id": f"h{number}", "email": f"p{number}@{domain() or 'x.example'}"} for number in range(8)]
    intercom = [{"id": f"c{number}", "name": f"Firm C{number}", "website": domain()} for number in range(6)]
    return {"hubspot/companies": hubspot, "hubspot": people, "intercom/companies": intercom}


# --- the oracle ------------------------------------------------------------------------------------------------------


def same_companies(world: World) -> set[frozenset[str]]:
    """Return the domains and HubSpot records of each company, by the rules of docs/identity.md."""
    main = _mains(world)
    groups: dict[str, set[str]] = {}
    for domain, owner in main.items():
        groups.setdefault(owner, set()).add(domain)
    for row in world["hubspot/companies"]:
        owner = main.get(row["domain"], f"hubspot:{row['id']}")
        groups.setdefault(owner, set()).update(f"hubspot:{id}" for id in (row["id"], *row.get("merged_ids", [])))
    return {frozenset(group) for group in groups.values()}


def _mains(world: World) -> dict[str, str]:
    """Return the domain that each domain's company goes by: its own, but for what one company alone has beside it."""
    claims: dict[str, set[str]] = {}
    for row in world["hubspot/companies"]:
        if row["domain"] not in (None, PROVIDER):
            for domain in (row["domain"], *row["additional_domains"]):
                claims.setdefault(domain, set()).add(row["domain"])
    for row in world["intercom/companies"]:  # by another name than HubSpot's
        if row["website"] in claims:
            claims[row["website"]].add(row["website"])
    named = {row["domain"] for row in world["hubspot/companies"]}
    named |= {domain for row in world["hubspot/companies"] for domain in row["additional_domains"]}
    named |= {row["website"] for row in world["intercom/companies"]}
    named |= {row["email"].partition("@")[2] for row in world["hubspot"]}
    return {
        domain: next(iter(claims[domain])) if len(claims.get(domain, ())) == 1 else domain
        for domain in named - {None, PROVIDER}
    }


def members(row: Row) -> frozenset[str]:
    """Return what a company is known again by: its domains and its HubSpot records."""
    return frozenset([*row["domains"], *(f"hubspot:{id}" for id in row["hubspot_company_ids"])])


# --- the properties --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_companies_against_the_oracle_whatever_the_order_of_records(seed: int) -> None:
    world = a_world(random.Random(seed))
    first = made(world)
    assert {members(row) for row in first} - {frozenset()} == same_companies(world)
    shuffled = {table: random.Random(seed).sample(rows, len(rows)) for table, rows in world.items()}
    assert made(shuffled) == first
    assert made(world, first, DAY + timedelta(days=1)) == first


def a_history(seed: int, days: int = 4, *, moves: bool = True) -> Iterator[tuple[date, World]]:
    """Yield days on which records come and go, and, if they move, merge and change their domains.

    Intercom is a source from the third day on.
    """
    draw = random.Random(seed)
    world = a_world(draw)
    intercom = world["intercom/companies"]
    for number in range(days):
        shown = {**world, "intercom/companies": intercom if number > 1 else []}
        yield DAY + timedelta(days=number), {table: [dict(row) for row in rows] for table, rows in shown.items()}
        hubspot = world["hubspot/companies"]
        hubspot.pop(draw.randrange(len(hubspot)))
        hubspot.append({"id": str(20 + number), "domain": draw.choice(DOMAINS), "additional_domains": []})
        world["hubspot"].append({"id": f"h{20 + number}", "email": f"p@{draw.choice(DOMAINS)}"})
        if moves:
            loser = hubspot.pop(draw.randrange(len(hubspot)))
            winner = draw.choice(hubspot)
            winner["merged_ids"] = [*winner.get("merged_ids", []), loser["id"], *loser.get("merged_ids", [])]
            draw.choice(hubspot)["domain"] = draw.choice([None, *DOMAINS])
            draw.choice(hubspot)["additional_domains"] = draw.sample(DOMAINS, 1)
            draw.choice(world["hubspot"])["email"] = f"p@{draw.choice(DOMAINS)}"


@pytest.mark.parametrize("seed", SEEDS)
def test_ids_through_days_of_change(seed: int) -> None:
    """What may never happen to an id does not, whatever becomes of the records."""
    before: Made = []
    for day, world in a_history(seed):
        after = made(world, before, day)
        assert {members(row) for row in after} - {frozenset()} == same_companies(world)
        check_ids(before, after, day)
        before = after


def check_ids(before: Made, after: Made, day: date) -> None:
    """Check that no company is renamed, that the older id stays, and that no id goes to somebody else."""
    since = {row["company_id"]: row["first_seen"] for row in before}
    used = since.keys() | {id for row in before for id in row["former_ids"]}
    live = [row["company_id"] for row in after]
    assert len(live) == len(set(live))
    for row in after:
        id, claims = row["company_id"], {then["company_id"] for then in before if members(then) & members(row)}
        assert not set(row["former_ids"]) & set(live)
        if id in since:
            assert (id in claims, row["first_seen"]) == (True, since[id])
            assert all((since[id], id) <= (since[each], each) for each in claims & set(row["former_ids"]))
        else:
            assert (id in used, row["first_seen"]) == (False, day)
    for then in before:
        heirs = [row for row in after if members(row) & members(then)]
        if len(heirs) == 1:  # it did not go apart: its id is its heir's, as id or as alias
            assert then["company_id"] in (heirs[0]["company_id"], *heirs[0]["former_ids"])


@pytest.mark.parametrize("left_out", [1, 2])
def test_a_day_that_is_filled_in_later_renames_no_company(left_out: int) -> None:
    """Nor does a source that is added, and a company that comes back is who it was."""
    days = list(a_history(left_out, moves=False))
    complete, gap = _lived(days), _lived([*days[:left_out], *days[left_out + 1 :]])
    for day, _ in days[left_out + 1 :]:
        ids = {members(row): row["company_id"] for row in complete[day]}
        assert ids == {members(row): row["company_id"] for row in gap[day]}
    assert len({row["company_id"] for rows in complete.values() for row in rows}) > len(complete[DAY])


def _lived(days: Sequence[tuple[date, World]]) -> dict[date, Made]:
    """Return the companies of each day, each made after the day before."""
    lived: dict[date, Made] = {}
    before: Made = []
    for day, world in days:
        before = lived[day] = made(world, before, day)
    return lived


def test_a_record_merged_into_one_without_a_domain_is_no_company_by_itself() -> None:
    world: World = {
        "hubspot": [],
        "intercom/companies": [],
        "hubspot/companies": [{"id": "1", "name": "Acme", "domain": None, "merged_ids": ["2"]}],
    }
    (firm,) = made(world)
    assert (firm["hubspot_company_ids"], firm["domain"], firm["name"]) == (["1", "2"], None, "Acme")
