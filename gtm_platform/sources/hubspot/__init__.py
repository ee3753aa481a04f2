"""HubSpot: the CRM's contacts, companies, deals, owners, pipelines, engagements and what is linked with what."""

from collections.abc import Iterator
from contextlib import contextmanager

from gtm_platform.http.pages import rows
from gtm_platform.ingest.source import Source
from gtm_platform.settings import Settings
from gtm_platform.sources.hubspot.client import KEYS, HubSpotClient, identity
from gtm_platform.sources.hubspot.streams import STREAMS

__all__ = ["SOURCE"]


@contextmanager
def connect(settings: Settings) -> Iterator[HubSpotClient]:
    assert settings.hubspot_access_token is not None, "a source without its keys is off"
    client = HubSpotClient(settings.hubspot_access_token, settings.hubspot_base_url)
    try:
        yield client
    finally:
        client.close()


def check(client: HubSpotClient) -> str:
    some = rows(client.owners(limit=1), "results")
    return f"HubSpot accepts the token and shows {'its owners' if some else 'that there are no owners'}."


SOURCE = Source(
    "hubspot",
    hours=12,
    needs=KEYS,
    connect=connect,
    check=check,
    identity=identity,
    streams=STREAMS,
    about="The CRM: people, companies, deals and the sales team's work with them.",
    minute=20,
)
