"""The partner portals against their emulators: lists, tokens, whom partners brought, and what feeds make of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import ibis
import pytest
from pydantic import SecretStr

from gtm_platform.http.errors import Forbidden, Unauthorized
from gtm_platform.ingest.market_feeds import OverlapFeed
from gtm_platform.ingest.record import Reader, Record
from gtm_platform.ingest.source import BEGINNING, Window
from gtm_platform.market import partner_overlaps
from gtm_platform.market import partners as market_partners
from gtm_platform.policy import policy
from gtm_platform.sandbox import crossbeam as crossbeam_emulator
from gtm_platform.sandbox import partnerstack as partnerstack_emulator
from gtm_platform.sandbox.crossbeam.store import CrossbeamStore
from gtm_platform.sandbox.files import rows as file_rows
from gtm_platform.sandbox.world.partner_network import PartnerNetwork
from gtm_platform.sandbox.world.truth_market import market_truth
from gtm_platform.sandbox.world.world import World
from gtm_platform.sources.crossbeam import client as crossbeam_client
from gtm_platform.sources.crossbeam import feeds as crossbeam_feeds
from gtm_platform.sources.crossbeam import streams as crossbeam_streams
from gtm_platform.sources.crossbeam.settings import CrossbeamSettings
from gtm_platform.sources.partnerstack import client as partnerstack_client
from gtm_platform.sources.partnerstack import feeds as partnerstack_feeds
from gtm_platform.sources.partnerstack import streams as partnerstack_streams
from gtm_platform.sources.partnerstack.settings import PartnerStackSettings
from gtm_platform_tests.sources.conftest import Stand
from gtm_platform_tests.tables import computed, filled, rows_of

START = datetime(2026, 3, 2, tzinfo=UTC)
NOW = START + timedelta(days=120)
EVERYTHING = Window(BEGINNING, NOW, full=True)


@pytest.fixture(scope="module")
def world() -> World:
    return World(3, 400, START)


@pytest.fixture(scope="module")
def network(world: World) -> PartnerNetwork:
    return PartnerNetwork("partnerstack", 0.75, world.market)


def clock() -> datetime:
    return NOW


def read(streams: Any, name: str, client: Any, window: Window = EVERYTHING) -> list[Any]:
    stream = next(each for each in streams.STREAMS if each.name == name)
    records: list[Record] = []
    for page in stream.pages(client, window):
        good, _, bad = Reader(stream.record, stream.key).read(page)
        assert bad == []
        records += good
    return records


def as_table(table: str, records: list[Any]) -> ibis.Table:
    return filled(table, *(record.model_dump() for record in records))


def values(table: ibis.Table, field: Any) -> list[Any]:
    column = table[field] if isinstance(field, str) else field(table)
    return [row["value"] for row in rows_of(table.select(value=column))]


# --- PartnerStack ----------------------------------------------------------------------------------------------------


@contextmanager
def partnerstack(stand: Stand, network: PartnerNetwork, **more: Any) -> Iterator[partnerstack_client.PartnerStack]:
    stand.emulator = partnerstack_emulator.app(network, clock)
    config = {
        "partnerstack_public_key": SecretStr(partnerstack_emulator.PUBLIC_KEY),
        "partnerstack_secret_key": SecretStr(partnerstack_emulator.SECRET_KEY),
        "partnerstack_base_url": f"{stand.url}/api/v2",
    }
    with partnerstack_client.connect(PartnerStackSettings(**{**config, **more})) as client:
        yield client


def test_every_partner_and_referral_of_the_portal_arrives(stand: Stand, network: PartnerNetwork) -> None:
    with partnerstack(stand, network) as client:
        partners = read(partnerstack_streams, "partnerships", client)
        deals, leads = read(partnerstack_streams, "deals", client), read(partnerstack_streams, "leads", client)
    assert {each.email.partition("@")[2] for each in partners} == {
        each.company.domain for each in network.partners(NOW)
    }
    assert len(partners) > 3
    referrals = list(network.referrals(NOW))
    assert {each.account_domain for each in (*deals, *leads)} == {each.customer.domain for each in referrals}
    assert len(deals) + len(leads) == len(referrals) > 3
    assert all(each.partner_email for each in (*deals, *leads)), "by the partner's key alone nobody is known"


def test_lists_go_on_after_the_key_of_their_last_row(
    stand: Stand, network: PartnerNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    with partnerstack(stand, network) as client:
        whole = read(partnerstack_streams, "partnerships", client)
        monkeypatch.setattr(partnerstack_client, "LARGEST_PAGE", 2)
        stand.requested.clear()
        assert read(partnerstack_streams, "partnerships", client) == whole
    assert len(stand.requested) == -(-len(whole) // 2)


def test_only_what_was_updated_is_asked_for(stand: Stand, network: PartnerNetwork) -> None:
    with partnerstack(stand, network) as client:
        every = read(partnerstack_streams, "deals", client)
        since = max(each.updated_at for each in every)
        changed = read(partnerstack_streams, "deals", client, Window(since, NOW))
    assert changed == [each for each in every if each.updated_at >= since]
    assert 0 < len(changed) < len(every)


def test_a_customers_revenue_is_its_approved_transactions(stand: Stand, network: PartnerNetwork) -> None:
    with partnerstack(stand, network) as client:
        customers = [each for each in read(partnerstack_streams, "customers", client) if not each.test]
        transactions = read(partnerstack_streams, "transactions", client)
    counted = [each for each in transactions if each.approved and not each.archived]
    assert len(counted) < len(transactions)
    for customer in customers:
        own = [each.amount_usd_cents for each in counted if each.customer_key == customer.customer_key]
        assert customer.revenue_cents == sum(own)
    assert sum(each.revenue_cents for each in customers) > 0


def test_what_the_feeds_make_of_partnerstack(stand: Stand, network: PartnerNetwork) -> None:
    _, partner_feed, customer_feed, deal_feed, _ = partnerstack_feeds.FEEDS
    with partnerstack(stand, network) as client:
        partners = as_table("partnerstack/partnerships", read(partnerstack_streams, "partnerships", client))
        customers = as_table("partnerstack/customers", read(partnerstack_streams, "customers", client))
        deals = as_table("partnerstack/deals", read(partnerstack_streams, "deals", client))
    truth = {each.company.domain: each.signals.partnership for each in network.partners(NOW)}
    columns = zip(
        values(partners, partner_feed.company_domain),
        values(partners, partner_feed.tier),
        values(partners, partner_feed.partner_type),
        values(partners, partner_feed.specializations),
        strict=True,
    )
    for domain, tier, kind, skills in columns:
        partnership = truth[domain]
        assert partnership is not None
        assert (tier, kind, tuple(skills)) == (
            partnership.tier,
            partnership.partner_type,
            partnership.specializations,
        )
    assert set(values(partners, partner_feed.status)) <= {"active", "onboarding"}
    assert customer_feed.rows is not None
    genuine = customer_feed.rows(customers)
    assert len(rows_of(genuine)) == len(rows_of(customers)) - 1, "the one that is a test"
    assert deal_feed.rows is not None
    assert set(values(deal_feed.rows(deals), deal_feed.stage)) <= {"lost", "in_progress"}, "the won ones are customers"


def test_a_wrong_key_of_partnerstack_is_named(stand: Stand, network: PartnerNetwork) -> None:
    with (
        partnerstack(stand, network, partnerstack_secret_key=SecretStr("wrong")) as client,
        pytest.raises(Unauthorized, match="PARTNERSTACK_SECRET_KEY"),
    ):
        partnerstack_client.check(client)


# --- Crossbeam -------------------------------------------------------------------------------------------------------


@pytest.fixture
def organization(world: World) -> CrossbeamStore:
    return CrossbeamStore.of(world)


@contextmanager
def crossbeam(stand: Stand, store: CrossbeamStore, **more: Any) -> Iterator[crossbeam_client.Crossbeam]:
    stand.emulator = crossbeam_emulator.app(store, clock)
    config = {
        "crossbeam_client_id": crossbeam_emulator.CLIENT_ID,
        "crossbeam_client_secret": SecretStr(crossbeam_emulator.CLIENT_SECRET),
        "crossbeam_refresh_token": SecretStr(crossbeam_emulator.REFRESH_TOKEN),
        "crossbeam_organization_uuid": store.organization,
        "crossbeam_base_url": stand.url,
        "crossbeam_auth_url": f"{stand.url}/auth",
    }
    with crossbeam_client.connect(CrossbeamSettings(**{**config, **more})) as client:
        yield client


def test_partners_and_overlaps_of_crossbeam_arrive_whole(
    stand: Stand, organization: CrossbeamStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crossbeam_client, "LARGEST_PAGE", 3)
    monkeypatch.setattr(crossbeam_client, "PARTNERS_PAGE", 2)
    with crossbeam(stand, organization) as client:
        partners = read(crossbeam_streams, "partners", client)
        overlaps = read(crossbeam_streams, "overlaps", client)
    assert {each.domain for each in partners} == {each.company.domain for each in organization.network.partners(NOW)}
    expected = list(organization.network.overlaps(NOW))
    assert len(overlaps) == len(expected) > 3
    gone = [each for each in expected if each.until and each.until <= NOW]
    assert sum(each.is_gone() for each in overlaps) == len(gone) > 0
    assert {name for each in overlaps for name in each.partner_populations} == {"Customers", "Prospects"}
    assert stand.requested.count("POST /auth/oauth/token") == 1


def test_tier_and_kind_are_tags_of_crossbeam(stand: Stand, organization: CrossbeamStore) -> None:
    _, feed, *_ = crossbeam_feeds.FEEDS
    with crossbeam(stand, organization) as client:
        partners = as_table("crossbeam/partners", read(crossbeam_streams, "partners", client))
    truth = {each.company.domain: each.signals.partnership for each in organization.network.partners(NOW)}
    tiers = dict(zip(values(partners, "domain"), values(partners, feed.tier), strict=True))
    assert tiers == {domain: partnership.tier for domain, partnership in truth.items() if partnership}


def test_whose_customer_an_account_is_stands_in_the_partners_lists(stand: Stand, organization: CrossbeamStore) -> None:
    feed = next(each for each in crossbeam_feeds.FEEDS if isinstance(each, OverlapFeed))
    with crossbeam(stand, organization) as client:
        overlaps = as_table(feed.table, read(crossbeam_streams, "overlaps", client))
    rows = zip(values(overlaps, feed.partner_domain), values(overlaps, feed.company_domain), strict=True)
    theirs = values(overlaps, feed.is_their_customer)
    expected = {
        (each.partner.company.domain, each.account.domain, each.is_their_customer)
        for each in organization.network.overlaps(NOW)
    }
    assert {(*row, is_theirs) for row, is_theirs in zip(rows, theirs, strict=True)} == expected
    assert {is_theirs for *_, is_theirs in expected} == {True, False}


@pytest.mark.parametrize(
    ("lists", "is_theirs"),
    [
        (["EMEA Customers"], True),
        (["Former customers"], False),
        (["Prospects"], False),
        (["Prospects", "Customer"], True),
    ],
)
def test_which_lists_are_of_customers(lists: list[str], is_theirs: bool) -> None:
    feed = next(each for each in crossbeam_feeds.FEEDS if isinstance(each, OverlapFeed))
    overlaps = filled(feed.table, {"partner_populations": lists})
    assert values(overlaps, feed.is_their_customer) == [is_theirs]


def test_the_market_has_the_partners_tiers_and_introducers_of_the_truth(
    stand: Stand, organization: CrossbeamStore, world: World
) -> None:
    """What Crossbeam lists, and what people entered, come to what the world knows of its partners."""
    with crossbeam(stand, organization) as client:
        listed = as_table("crossbeam/partners", read(crossbeam_streams, "partners", client))
        overlaps = [each for each in read(crossbeam_streams, "overlaps", client) if not each.is_gone()]
    entries = [
        {**row, "effective_on": date.fromisoformat(row["effective_on"])} for row in file_rows.manual_entries(world, NOW)
    ]
    records = {table: filled(table) for table in market_partners.TABLES} | {
        "crossbeam/partners": listed,
        "partners_csv/manual_entries": filled("partners_csv/manual_entries", *entries),
    }
    companies = filled(
        "identity/companies",
        *(
            {"company_id": domain, "domain": domain, "domains": [domain], "match_method": "domain"}
            for domain in (each.company.domain for each in world.market.companies(NOW))
        ),
    )
    shared = computed(
        partner_overlaps.table,
        "market/partner_overlaps",
        records={"crossbeam/overlaps": as_table("crossbeam/overlaps", overlaps)},
        companies=companies,
    )
    made = computed(
        market_partners.table,
        "market/partners",
        records=records,
        companies=companies,
        overlaps=shared,
        policy=policy(),
        day=NOW.date(),
    )
    truth = {row["domain"]: row for row in market_truth(world.market, NOW)}
    tiers = {row["company_id"]: row["tier"] for row in rows_of(made)}
    assert tiers == {domain: truth[domain]["partner_tier"] for domain in tiers}
    assert tiers.keys() == {each.company.domain for each in organization.network.partners(NOW)}
    assert any(each.signals.partnership.entered_tier for each in organization.network.partners(NOW))  # type: ignore[union-attr]
    introducers: dict[str, list[str]] = {}
    for row in rows_of(shared):
        if row["is_their_customer"]:
            introducers.setdefault(row["company_id"], []).append(row["partner_id"])
    expected = {domain: row["introducers"] for domain, row in truth.items() if "introducers" in row}
    assert {domain: sorted(names) for domain, names in introducers.items()} == expected != {}


def test_crossbeam_says_whose_organisation_it_is(stand: Stand, organization: CrossbeamStore) -> None:
    with crossbeam(stand, organization) as client:
        account = crossbeam_client.identity(client)
    assert account is not None
    assert account.account_id == organization.organization
    with (
        crossbeam(stand, organization, crossbeam_organization_uuid="other") as client,
        pytest.raises(Forbidden, match="CROSSBEAM_ORGANIZATION_UUID"),
    ):
        list(client.partners())


def test_a_revoked_refresh_token_is_named(stand: Stand, organization: CrossbeamStore) -> None:
    with (
        crossbeam(stand, organization, crossbeam_refresh_token=SecretStr("revoked")) as client,
        pytest.raises(Unauthorized, match="CROSSBEAM_REFRESH_TOKEN") as caught,
    ):
        crossbeam_client.check(client)
    assert "revoked" not in str(caught.value)
