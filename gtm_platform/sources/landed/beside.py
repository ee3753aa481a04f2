"""The API beside landed tables: what a lander does not land of a stream is read by it, where its key is set."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from gtm_platform.accounts import AccountIdentity, OtherAccount, refuse_other_account
from gtm_platform.ingest.source import Stream, Totals


@dataclass(frozen=True)
class ApiBeside:
    """A system's API; without its keys there is no client."""

    client: Any
    identity: Callable[[Any], AccountIdentity | None]
    keys: tuple[str, ...]
    streams: tuple[Stream, ...]

    def stream(self, name: str, tables: AccountIdentity | None) -> Stream:
        """Return a stream as the API is asked for it, for the account that the tables are of."""
        stream = next(each for each in self.streams if each.name == name)
        totals, probe = stream.totals, stream.probe
        if isinstance(totals, Totals):
            count = totals.count
            totals = replace(totals, count=lambda _, window: count(self.client_for(tables), window))
        return replace(
            stream,
            pages=lambda _, window: stream.pages(self.client_for(tables), window),
            probe=(lambda _: probe(self.client_for(tables))) if probe else None,
            totals=totals,
        )

    def advice(self) -> str:
        """Say what to set to have a stream read by the API."""
        return f"Set {' and '.join(self.keys)} to have it read by the API."

    def client_for(self, tables: AccountIdentity | None) -> Any:
        """Return the client; its key must not open another account than that of the tables, or of the home."""
        account = self._account
        if account is None:
            return self.client
        if tables and tables.account_id != account.account_id:
            message = f"{' and '.join(self.keys)} opens {account.label}, but the tables are of {tables.label}"
            raise OtherAccount(account.system, f"{message}: nothing is read by the API.")
        refuse_other_account(account)
        return self.client

    @cached_property
    def _account(self) -> AccountIdentity | None:
        return self.identity(self.client)
