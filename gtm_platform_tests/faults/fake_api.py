"""A shop: its orders in pages by cursor over a raw socket, what goes wrong there by script, what was asked when."""

import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

from gtm_platform.http.client import Api
from gtm_platform.http.pages import Page, expect_list
from gtm_platform.http.pagination import CursorPaging
from gtm_platform.ingest.record import Id, Instant, MaybeAmount, MaybeText, Record, at
from gtm_platform.ingest.source import Schedule, Source, Stream, Window
from gtm_platform.sources.stripe.settings import StripeSettings
from gtm_platform_tests.http.clock import Clock
from gtm_platform_tests.http.server import Answer, whole

KEY = "hunter2-SECRET-5f1e0c77"
FIRST_DAY = datetime(2026, 3, 1, tzinfo=UTC)
PAGE = 4
CALLS = 4  # that it takes to read what changes in a day
BUYERS = ("Zoë Müller", "山田 太郎", "Ольга 🛒", "Íñigo O’Hara", "Jane", None)
DAMAGED = {"id": "o-damaged", "buyer": "Nobody", "total": "1.00", "updated_at": "soon"}

Fault = Callable[[bytes], Answer]  # what goes out instead of this body
Script = Callable[[int], Fault | None]  # what goes wrong at the n-th call of a run


def nothing(_: int) -> None:
    return None


class Order(Record):
    """An order of the shop."""

    id: Id = at("id", default=...)
    buyer: MaybeText = at("buyer", personal=True)
    total: MaybeAmount = at("total")
    updated_at: Instant = at("updated_at", default=...)


def orders(api: Api, window: Window) -> Iterator[Page]:
    since = {} if window.full else {"since": window.start.isoformat()}
    paging = CursorPaging(next_at=("next",), send_as="after", rows="orders")
    for page, _ in paging.walk(lambda params: api.get("/orders", params, check=expect_list("orders")), since):
        yield page


SOURCE = Source(
    "shop",
    Schedule(24),
    StripeSettings,
    connect=lambda _: nullcontext(),
    check=lambda _: "open",
    streams=(Stream("orders", Order, orders, cursor_field="updated_at"),),
)
TABLE, QUARANTINE = SOURCE.table(SOURCE.streams[0]), SOURCE.quarantine(SOURCE.streams[0])


@dataclass
class Shop:
    """`orders` is the truth; one record more is listed with the others, and damaged. Pages overlap by one record."""

    clock: Clock
    random: Random = field(default_factory=lambda: Random(20260301))
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    script: Script = nothing
    requested: list[tuple[float, bytes]] = field(default_factory=list)  # of this run: when, and what
    sent: dict[str, list[str]] = field(default_factory=dict)  # of this run: the ids on each page asked for
    today: datetime = FIRST_DAY - timedelta(days=1)

    def a_day_passes(self) -> None:
        """Four orders come, and up to six of the others change."""
        self.today += timedelta(days=1)
        moved = self.random.sample(sorted(self.orders), min(6, len(self.orders)))
        for key in [*moved, *(f"o-{len(self.orders) + new}" for new in range(4 if self.orders else 10))]:
            self.orders[key] = {
                "buyer": self.random.choice(BUYERS),
                "total": Decimal(self.random.randrange(100_000)).scaleb(-2),
                "updated_at": self.today + timedelta(minutes=self.random.randrange(60, 1380)),
            }

    def begins_a_run(self, script: Script) -> None:
        self.script, self.requested, self.sent = script, [], {}

    def answer(self, request: bytes) -> Answer:
        self.requested.append((self.clock.now(), request))
        fault = self.script(len(self.requested))
        return (fault or whole)(self._page(request.split(b" ")[1].decode()))

    @property
    def received(self) -> list[str]:
        return [key for page in self.sent.values() for key in page]

    def _page(self, target: str) -> bytes:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        since = datetime.fromisoformat(asked.get("since", "1990-01-01T00:00:00+00:00"))
        found = [{"id": key, **order} for key, order in self.orders.items() if order["updated_at"] >= since]
        listed = [*found[:2], DAMAGED, *found[2:]]
        begin = int(asked.get("after", "0"))
        page, more = listed[begin : begin + PAGE], begin + PAGE < len(listed)
        self.sent[target] = [each["id"] for each in page]
        body = {"orders": page, "next": str(begin + PAGE - 1) if more else None}
        return json.dumps(body, default=str, ensure_ascii=False).encode()
