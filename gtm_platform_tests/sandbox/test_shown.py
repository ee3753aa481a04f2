"""What the sandbox says that its systems show of the market, held against what they answer."""

import csv
import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gtm_platform.sandbox.factors.store import FactorsStore
from gtm_platform.sandbox.files import files_between, newest_drop
from gtm_platform.sandbox.github.store import GitHubStore
from gtm_platform.sandbox.reodev.store import ReoStore
from gtm_platform.sandbox.shown import ACTS, shown
from gtm_platform.sandbox.sumble.store import SumbleStore
from gtm_platform.sandbox.world import World
from gtm_platform.sandbox.world.market_signals import REPOSITORIES
from gtm_platform.sandbox.world.partner_network import CROSSBEAM, PARTNERSTACK, PartnerNetwork

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
LAST = START + 3 * DAY  # its midnight begins the day
END = LAST + DAY
ALMOST = END - timedelta(microseconds=1)
Row = dict[str, Any]


@pytest.fixture(scope="module")
def world() -> World:
    world = World(7, 600, START)
    world.advance(END)
    return world


@pytest.fixture(scope="module")
def market(world: World) -> dict[str, Row]:
    return {row["domain"]: row for row in shown(world, [], LAST.date())["market"]}


def counts(market: dict[str, Row], source: str, kind: str, place: int = 0) -> Counter[str]:
    """The signs by domain: those that are sure, or all (1)."""
    return Counter(
        {
            domain: row["signals"][source][kind][place]
            for domain, row in market.items()
            if kind in row["signals"].get(source, {})
        }
    )


def newest_file(world: World, beginning: str) -> list[Row]:
    """The rows of the newest file of a name."""
    content = [file.content for file in files_between(world, None, ALMOST) if file.name.startswith(beginning)][-1]
    text = content.decode("utf-8-sig" if content.startswith(b"\xef") else "cp1252")
    return list(csv.DictReader(io.StringIO(text), delimiter=";" if ";" in text.splitlines()[0] else ","))


def test_jobs_are_those_that_sumble_lists(world: World, market: dict[str, Row]) -> None:
    posts = [post for post in SumbleStore(world.market).posts(ALMOST) if post.job.is_ai]
    assert counts(market, "sumble", "job") == Counter(post.company.domain for post in posts)


def test_a_reader_who_misses_closed_posts_has_all_that_were_open_since(world: World) -> None:
    def jobs(since: datetime) -> dict[str, int]:
        rows = shown(world, [], LAST.date(), since.date())["market"]
        return {row["domain"]: row["signals"].get("sumble", {}).get("job", (0, 0))[0] for row in rows}

    some, more = jobs(LAST), jobs(LAST - 3 * DAY)
    posted = {
        each.company.domain: sum(
            job.is_ai and any(job.posted < END - number * DAY <= job.closed for number in range(4))
            for job in each.signals.jobs
        )
        for each in world.market.companies(END)
    }
    assert {domain: count for domain, count in more.items() if count} == {d: n for d, n in posted.items() if n}
    assert sum(more.values()) > sum(some.values())


def test_acts_are_those_of_reodev_and_on_github_of_who_names_a_company(world: World, market: dict[str, Row]) -> None:
    accounts = {account.company.domain: account for account in ReoStore(world.market).accounts(ALMOST)}
    all_acts = sum((counts(market, "reodev", kind) for kind in ACTS), Counter[str]())
    assert all_acts.keys() == accounts.keys()
    domains = {each.company.name: each.company.domain for each in world.market.companies(END)}
    sure, most = Counter[str](), Counter[str]()
    for repository in REPOSITORIES:
        for act in GitHubStore(world.market).acts(ALMOST, repository, ACTS):
            if act.user.email or act.user.organization:
                of = act.user.organization
                sure[of.domain if of else str(act.user.email).rpartition("@")[2]] += 1
            elif act.user.company:
                most[domains[act.user.company]] += 1
    assert sum((counts(market, "github", kind) for kind in ACTS), Counter[str]()) == sure
    assert sum((counts(market, "github", kind, 1) for kind in ACTS), Counter[str]()) == sure + most
    assert most


def test_visits_are_those_of_factors_and_sessions_those_of_the_day(world: World, market: dict[str, Row]) -> None:
    store = FactorsStore(world.market)
    journeys = {domain: store.visits(domain, ALMOST) for domain in store.domains()}
    assert counts(market, "factors", "visit") == Counter({d: len(j[1]) for d, j in journeys.items() if j})
    today = [visit for journey in journeys.values() if journey for visit in journey[1] if visit.at >= LAST]
    assert shown(world, [], LAST.date())["sessions"] == len(today) > 0


def test_places_on_lists_are_those_of_the_newest_file(world: World, market: dict[str, Row]) -> None:
    listed = {row["website"].removeprefix("https://www.") for row in newest_file(world, "accounts_")}
    assert set(counts(market, "linkedin_sales_nav", "listed")) == listed
    dropped = newest_drop(world, END)
    assert dropped is not None
    late = [
        each.company.domain
        for each in world.market.companies(END)
        if each.signals.listed and dropped <= each.signals.listed < END
    ]
    assert not listed & set(late)


def test_uses_are_seen_where_they_are_noted(world: World, market: dict[str, Row]) -> None:
    noted = {(row["Domain"], row["Competitor"]) for row in newest_file(world, "competitor_research")}
    by_research = {
        (domain, product)
        for domain, row in market.items()
        for product, channels in row["competitors"].items()
        if "manual_research" in channels
    }
    assert by_research == noted
    sure = Counter(
        is_sure for row in market.values() for channels in row["competitors"].values() for is_sure in channels.values()
    )
    assert sure[True] > 5 * sure[False]


def test_partners_are_those_of_the_newest_file_and_of_the_portals(world: World, market: dict[str, Row]) -> None:
    stated = {
        row["partner_domain"]: {"status": row["status"], "tier": row["tier"]} for row in newest_file(world, "partners")
    }
    assert {
        d: row["partner"]["partners_csv"] for d, row in market.items() if "partners_csv" in row["partner"]
    } == stated
    for name, share in (PARTNERSTACK, CROSSBEAM):
        partners = {each.company.domain for each in PartnerNetwork(name, share, world.market).partners(ALMOST)}
        assert {domain for domain, row in market.items() if name in row["partner"]} == partners
    entered = {
        row["partner_domain"]: row["value"] for row in newest_file(world, "partner_manual") if row["field"] == "tier"
    }
    assert {domain: row["entered_tier"] for domain, row in market.items() if row["entered_tier"]} == entered


def test_a_partner_whom_no_portal_has_is_one_once_a_file_says_so(world: World) -> None:
    """Between two files a company can be a partner in truth, and in no system."""
    before = {row["domain"] for row in shown(world, [], LAST.date())["market"] if row["partner"]}
    true = {row["domain"] for row in world.truth(LAST.date())["market"] if "partner_status" in row}
    assert before < true


def test_cohorts_follow_from_what_is_shown(world: World) -> None:
    truth = world.truth(LAST.date())
    by_domain = shown(world, truth["people"], LAST.date())["cohorts"]
    true = {row["domain"]: row["cohort"] for row in truth["cohorts"]}
    assert {true[domain] for domain in true if by_domain.get(domain, [None])[0] != true[domain]} <= {
        "partner",
        "in_market",
        "competitor",
    }
    customers = {domain for domain, cohort in true.items() if cohort == "customer"}
    assert {tuple(by_domain[domain]) for domain in customers} == {("customer", "customer")}
