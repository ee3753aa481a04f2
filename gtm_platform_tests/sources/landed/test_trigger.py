"""Having Fivetran or Airbyte sync before their tables are read, by their APIs as the sandbox has them."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gtm_platform.http.errors import BadRequest, Unavailable
from gtm_platform.sandbox.landers.rest import KEY, SECRET, Connections, airbyte, fivetran
from gtm_platform.settings import settings
from gtm_platform.sources.hubspot.source import SOURCE as HUBSPOT
from gtm_platform_tests.sources.conftest import Stand
from gtm_platform_tests.sources.landed.conftest import Open, land
from gtm_platform_tests.sources.landed.test_reading import company, read

SYNCED = datetime(2026, 3, 2, 0, 25, tzinfo=UTC)
LANDERS = ("fivetran", "airbyte")


@pytest.fixture
def connections(place: Path) -> Connections:
    """A connection that lands a company."""

    def sync(_: str) -> None:
        airbyte_row = {"id": "1", "name": "Acme", "_airbyte_extracted_at": SYNCED}
        land(place, "hubspot", company=[company(1, "Acme", _fivetran_synced=SYNCED)], companies=[airbyte_row])

    return Connections(sync, lambda: SYNCED)


@pytest.fixture(params=LANDERS)
def lander(
    request: pytest.FixtureRequest, stand: Stand, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> str:
    """A lander that is asked to sync, and how it is reached."""
    name = str(request.param)
    package = pytest.importorskip(f"dagster_{name}.resources", reason=f"pip install 'gtm-platform[{name}]'")
    stand.emulator = fivetran(connections) if name == "fivetran" else airbyte(connections)
    monkeypatch.setattr("gtm_platform.sources.landed.trigger.POLL_SECONDS", 0.001)
    variables = {"FIVETRAN_API_KEY": KEY, "FIVETRAN_API_SECRET": SECRET}
    variables |= {"AIRBYTE_CLIENT_ID": KEY, "AIRBYTE_CLIENT_SECRET": SECRET, "AIRBYTE_WORKSPACE_ID": "w"}
    variables |= {"AIRBYTE_BASE_URL": f"{stand.url}/api/public/v1"}
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    if name == "fivetran":
        monkeypatch.setattr(package, "FIVETRAN_API_BASE", stand.url)
    return name


def set_way(monkeypatch: pytest.MonkeyPatch, place: Path, lander: str, connection: str = "crm") -> None:
    way = {"HUBSPOT_VIA": lander, "HUBSPOT_LANDED": str(place), "HUBSPOT_LANDED_CONNECTION": connection}
    for variable, value in way.items():
        monkeypatch.setenv(variable, value)
    settings.cache_clear()


def test_it_has_synced_when_the_tables_are_read(
    lander: str, stand: Stand, place: Path, open_landed: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_way(monkeypatch, place, lander)
    HUBSPOT.make_ready()
    started = {"fivetran": "POST /v1/connectors/crm/force", "airbyte": "POST /api/public/v1/jobs"}
    assert stand.requested.count(started[lander]) == 1
    with open_landed(HUBSPOT, "fivetran") as client:
        assert client.synced_at == SYNCED
        assert [each.name for each in read(HUBSPOT, client, "companies")] == ["Acme"]


def test_a_sync_that_fails_is_a_sentence(
    lander: str, place: Path, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections.fails = True
    set_way(monkeypatch, place, lander)
    with pytest.raises(Unavailable, match=f"{lander} did not sync HubSpot: "):
        HUBSPOT.make_ready()


def test_a_key_that_is_lacking_is_named(lander: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = {"fivetran": "FIVETRAN_API_SECRET", "airbyte": "AIRBYTE_CLIENT_SECRET"}[lander]
    monkeypatch.delenv(secret)
    set_way(monkeypatch, place, lander)
    with pytest.raises(BadRequest, match=f"set {secret}"):
        HUBSPOT.make_ready()


@pytest.mark.parametrize(("via", "connection"), [("api", "crm"), ("fivetran", "")])
def test_without_a_connection_nobody_is_asked(
    stand: Stand, place: Path, monkeypatch: pytest.MonkeyPatch, via: str, connection: str
) -> None:
    set_way(monkeypatch, place, via, connection)
    HUBSPOT.make_ready()
    assert stand.requested == []


@pytest.mark.parametrize("lander", LANDERS)
def test_without_its_package_it_says_how_to_install_it(
    place: Path, monkeypatch: pytest.MonkeyPatch, lander: str
) -> None:
    monkeypatch.setitem(sys.modules, f"dagster_{lander}", None)
    set_way(monkeypatch, place, lander)
    with pytest.raises(BadRequest, match=rf"pip install 'gtm-platform\[{lander}\]'"):
        HUBSPOT.make_ready()
