"""A receiver with the hooks of all systems on, over a state of the test's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from gtm_platform.settings import settings
from gtm_platform.state import State
from gtm_platform.state.schema import hook_counts, hook_events
from gtm_platform_tests.hooks.senders import ENVIRONMENT, Sender
from gtm_platform_tests.serving.server import Served, serving


@dataclass
class Receiver:
    """The receiver, and a client that keeps its connection."""

    served: Served
    client: httpx.Client

    @property
    def state(self) -> State:
        return self.served.state

    @property
    def now(self) -> datetime:
        return self.served.time.moment

    def post(self, name: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        return self.client.post(f"{self.served.url}/webhooks/{name}", content=body, headers=headers)

    def send(self, sender: Sender, number: int = 1, at: datetime | None = None, **how: Any) -> httpx.Response:
        """Send an event, signed now."""
        body = sender.body(number, at or self.now)
        return self.post(sender.name, body, sender.headers(body, at or self.now, **how))

    def rows(self, name: str | None = None) -> list[Any]:
        query = sa.select(hook_events).order_by(hook_events.c.id)
        with self.state.reading() as tx:
            return list(tx.execute(query.where(hook_events.c.hook == name) if name else query))

    def counts(self) -> dict[tuple[str, str], int]:
        """What was counted, once the writer has written it."""
        inbox = self.served.app.state.inbox
        batch, outcomes = inbox._take()
        inbox._write(batch, outcomes)
        with self.state.reading() as tx:
            return {(row.hook, row.outcome): row.count for row in tx.execute(sa.select(hook_counts))}


@contextmanager
def receiving(folder: Path) -> Iterator[Receiver]:
    """Serve without any snapshot: hooks need none."""
    with (
        serving(folder / "serving", folder / "state.db") as served,
        httpx.Client(trust_env=False, timeout=30) as client,
    ):
        yield Receiver(served, client)


@pytest.fixture
def switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The secrets of all hooks."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()


@pytest.fixture
def receiver(switched_on: None, tmp_path: Path) -> Iterator[Receiver]:  # noqa: ARG001
    with receiving(tmp_path) as running:
        yield running
