from pathlib import Path

import httpx
import pytest

from gtm_platform_tests.contract.recorder import Recorder, served
from gtm_platform_tests.contract.systems import Systems, systems
from gtm_platform_tests.contract.traffic import SOURCES, deliver_all, pointed_at, say_all, sweep
from gtm_platform_tests.contract.walks import HEADERS, WALKS


@pytest.fixture(scope="session")
def emulators() -> Systems:
    return systems()


@pytest.fixture(scope="session")
def swept(emulators: Systems, tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    """What the platform and the emulators said to each other, over all streams and deliveries."""
    folder: Path = tmp_path_factory.mktemp("state")
    recorder = Recorder(emulators.app)
    with served(recorder) as url, pointed_at(url):
        for source in (each for each in SOURCES if each.name in emulators.apps):
            counts = sweep(source)
            assert all(counts[name, True] for name, _ in counts), f"{source.name} brought nothing of {counts}"
        contacts = list(emulators.world.hubspot.objects["contacts"])
        deliver_all(contacts, folder)
        say_all(folder)
    return recorder


@pytest.fixture(scope="session")
def walked(emulators: Systems, swept: Recorder) -> Recorder:  # noqa: ARG001  after the sweeps, which it must not disturb
    recorder = Recorder(emulators.app)
    with served(recorder) as url:
        for system, walk in WALKS.items():
            with httpx.Client(base_url=f"{url}/{system}", headers=HEADERS[system]) as client:
                walk(client, emulators.world)
    return recorder


@pytest.fixture(scope="session")
def turned_away() -> Recorder:
    """What the emulators say when one call is let through and another one comes."""
    recorder = Recorder(systems(calls=1).app)
    with served(recorder) as url:
        for system, path in TOO_OFTEN.items():
            for _ in range(2):
                httpx.get(f"{url}/{system}{path}", headers=HEADERS[system])
    return recorder


TOO_OFTEN = {
    "hubspot": "/crm/v3/objects/contacts",
    "stripe": "/v1/customers",
    "intercom": "/contacts",
    "slack": "/api/auth.test",
}
