"""A home in which everything was computed, for all tests of the hot path; and a copy of it for each."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from gtm_platform.sandbox import hubspot
from gtm_platform.sandbox.hubspot.access import Limits
from gtm_platform.sandbox.hubspot.store import HubSpotRecord, HubSpotStore
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform.state.hot_path import note_tables
from gtm_platform_tests.delivery.hotpath.hot_home import HotHome
from gtm_platform_tests.delivery.hotpath.hot_room import MORNING, PEOPLE, Room, follower, signal
from gtm_platform_tests.delivery.hotpath.random_histories import subscription
from gtm_platform_tests.delivery.world import served


@pytest.fixture(scope="session")
def computed(tmp_path_factory: pytest.TempPathFactory) -> HotHome:
    """A home in which everything was computed, once for all tests."""
    random, home = Random(3), HotHome(tmp_path_factory.mktemp("hot"))
    mail = [f"p{number}@firm{number}.example" for number in range(PEOPLE)]
    paying = [subscription(random, number) | {"status": "active", "currency": "usd"} for number in range(PEOPLE)]
    home.begin(
        {
            "hubspot/contacts": [{"id": f"h{number}", "email": mail[number]} for number in range(PEOPLE)],
            "stripe/customers": [
                {"id": f"s{number}", "email": mail[number], "currency": "usd"} for number in range(PEOPLE)
            ],
            "stripe/subscriptions": paying,
            "hubspot/companies": [
                {"id": f"o{number}", "name": f"Firm {number}", "domain": f"firm{number}.example"}
                for number in range(PEOPLE)
            ],
            "pushed_signals/signals": [signal(0, "first")],
        }
    )
    return home


@pytest.fixture
def room(computed: HotHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    shutil.copytree(computed.root / "lake", tmp_path / "lake")
    home = HotHome(tmp_path, {table: dict(rows) for table, rows in computed.records.items()})
    records = [HubSpotRecord(f"h{n}", {"email": f"p{n}@firm{n}.example"}, MORNING, MORNING) for n in range(PEOPLE)]
    firms = [HubSpotRecord(f"o{n}", {"domain": f"firm{n}.example"}, MORNING, MORNING) for n in range(PEOPLE)]
    objects = {"contacts": records, "companies": firms}
    portal = HubSpotStore(
        objects={name: {record.id: record for record in each} for name, each in objects.items()}, next_id=1000
    )
    with served(hubspot.app(portal, lambda: MORNING, limits=Limits(burst=Limit(100_000, 10)))) as api:
        variables = {
            "GTM_HOME": str(tmp_path),
            "GTM_NOW": MORNING.isoformat(),
            "HUBSPOT_ACCESS_TOKEN": hubspot.TOKEN,
            "HUBSPOT_BASE_URL": api.url,
            "HUBSPOT_WRITE_ENABLED": "true",
            "STRIPE_API_KEY": "sk_test_1",
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        state = home.state = open_state(settings().state_url)
        assert computed.made
        with state.writing() as tx:
            note_tables(tx, computed.made)
            note_tables(tx, computed.made, "companies")
        room = Room(home, portal, api, state, follower(home, state, lambda: MORNING), monkeypatch)
        room.worker.now, room.worker.gate = (lambda: room.now), (lambda _day: room.gate)
        room.deliver_everything()
        yield room
        state.close()
