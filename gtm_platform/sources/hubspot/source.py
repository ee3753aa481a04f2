"""HubSpot: the CRM's contacts, companies, deals, owners, pipelines, engagements and what is linked with what."""

from collections.abc import Iterator
from contextlib import contextmanager

from gtm_platform.http.pages import rows
from gtm_platform.ingest.source import Schedule, Source
from gtm_platform.sources.hubspot.client import HubSpotClient, identity
from gtm_platform.sources.hubspot.landed_airbyte import AIRBYTE_HUBSPOT
from gtm_platform.sources.hubspot.landed_fivetran import FIVETRAN_HUBSPOT
from gtm_platform.sources.hubspot.settings import HubSpotSettings
from gtm_platform.sources.hubspot.streams import STREAMS
from gtm_platform.sources.landed.ways import Ways


@contextmanager
def connect(settings: HubSpotSettings) -> Iterator[HubSpotClient]:
    """Open a client for the account of the environment."""
    assert settings.hubspot_access_token is not None, "a source without its keys is off"
    client = HubSpotClient(settings.hubspot_access_token, settings.hubspot_base_url)
    try:
        yield client
    finally:
        client.close()


def check(client: HubSpotClient) -> str:
    """Say whether the token is accepted."""
    some = rows(client.owners(limit=1), "results")
    return f"HubSpot accepts the token and shows {'its owners' if some else 'that there are no owners'}."


WAYS = Ways(connect, check, identity, (FIVETRAN_HUBSPOT, AIRBYTE_HUBSPOT), STREAMS)
SOURCE = Source(
    "hubspot",
    Schedule(hours=12, minute=20),
    HubSpotSettings,
    prepare=WAYS.prepare,
    connect=WAYS.connect,
    check=WAYS.check,
    identity=WAYS.identity,
    streams=STREAMS,
    about="The CRM: people, companies, deals and the sales team's work with them.",
)
