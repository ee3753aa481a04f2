"""The ways in which a system can be reached: by its API, or in the tables that a lander made of it.

A source takes its `connect`, `check` and `identity` from here, and need not know which way is set. What a lander does
not land is read by the API where its key is set, so that no way brings less than another.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gtm_platform.accounts import AccountIdentity
from gtm_platform.ingest.source import Stream
from gtm_platform.sources.landed.beside import ApiBeside
from gtm_platform.sources.landed.client import LandedClient
from gtm_platform.sources.landed.place import open_tables
from gtm_platform.sources.landed.settings import LandedSettings
from gtm_platform.sources.landed.system import LandedSystem
from gtm_platform.sources.landed.trigger import trigger_sync


@dataclass(frozen=True)
class Ways:
    """A system's API with its streams, and what landers make of it."""

    api: Callable[[Any], AbstractContextManager[Any]]
    api_check: Callable[[Any], str]
    api_identity: Callable[[Any], AccountIdentity | None]
    landed: tuple[LandedSystem, ...]
    streams: tuple[Stream, ...]

    @contextmanager
    def connect(self, settings: LandedSettings) -> Iterator[Any]:
        """Open what the settings name."""
        if settings.way == "api":
            with self.api(settings) as client:
                yield client
            return
        system = next(each for each in self.landed if each.lander.name == settings.way)
        assert settings.landed_at is not None, "a source without its tables is off"
        variable = f"{settings.prefix.upper()}_LANDED"
        with ExitStack() as opened:
            tables = opened.enter_context(open_tables(settings.landed_at, settings.schema_name, system.title, variable))
            max_age = timedelta(hours=settings.max_age_hours)
            client = opened.enter_context(self.api(settings)) if system.lacking and settings.has_api_key else None
            api = ApiBeside(client, self.api_identity, settings.required_env, self.streams)
            yield LandedClient(system, tables, settings.now(), max_age, api)

    def prepare(self, settings: LandedSettings) -> None:
        """Have the lander sync, where it is set that it should."""
        trigger_sync(settings)

    def check(self, client: Any) -> str:
        """Say what the client reads."""
        return client.describe() if isinstance(client, LandedClient) else self.api_check(client)

    def identity(self, client: Any) -> AccountIdentity | None:
        """Return the account that the client reads; None where nothing tells it from another."""
        return client.identity() if isinstance(client, LandedClient) else self.api_identity(client)
