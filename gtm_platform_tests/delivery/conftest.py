from collections.abc import Iterator
from pathlib import Path

import pytest

from gtm_platform.sandbox import hubspot
from gtm_platform.sandbox.hubspot.access import Limits
from gtm_platform.sandbox.hubspot.store import HubSpotRecord, HubSpotStore
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.state import State, open_state
from gtm_platform_tests.delivery.world import NOW, Watched, served


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = open_state(f"sqlite:///{tmp_path / 'state.db'}")
    yield state
    state.close()


@pytest.fixture
def portal() -> HubSpotStore:
    """250 contacts, so that there are three batches."""
    records = [HubSpotRecord(str(n), {"email": f"p{n}@acme.example"}, NOW, NOW) for n in range(1, 251)]
    return HubSpotStore(objects={"contacts": {record.id: record for record in records}}, next_id=1000)


@pytest.fixture
def hubspot_api(portal: HubSpotStore) -> Iterator[Watched]:
    generous = Limits(burst=Limit(100_000, 10))
    with served(hubspot.app(portal, lambda: NOW, limits=generous)) as watched:
        yield watched
