"""The shop read into a lake, a day at a time, over the real API, sync and lake, on a clock that nobody waits for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from gtm_platform.http.client import Api, BearerAuth
from gtm_platform.http.errors import ApiFailure
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.ingest.stream_sync import WindowResult
from gtm_platform.lake.lake import Lake
from gtm_platform_tests.faults import invariants
from gtm_platform_tests.faults.fake_api import CALLS, KEY, QUARANTINE, SOURCE, TABLE, Script, Shop, nothing
from gtm_platform_tests.http.clock import Clock
from gtm_platform_tests.http.server import serving
from gtm_platform_tests.ingest.syncing import Clock as Calendar
from gtm_platform_tests.ingest.syncing import Syncing

ENV = "SHOP_API_KEY"


def shop_api(url: str, clock: Clock, **more: Any) -> Api:
    """As a source makes its own, but that it waits on the toy clock; `more` is for the API or its patience."""
    patient = {name: more.pop(name) for name in list(more) if name in RetryPolicy.__dataclass_fields__}
    waits: dict[str, Any] = {"now": clock.now, "sleep": clock.sleep, "random": lambda: 1.0}
    known = {
        "auth": BearerAuth(SecretStr(KEY)),
        "rate_limiters": RateLimiter(1e6, 1000, clock.now, clock.sleep),
        "retry": RetryPolicy(**{**waits, **patient}),
        "keys": (ENV,),
        "deadline": 30.0,
    }
    return Api("Shop", url, **{**known, **more})


@dataclass
class SourceReading:
    """`gets_through` and `fails` each read one more day, and end with the lake knowing all there is. `more` is for the
    API or its patience, or the `url` to ask in place of the shop's."""

    shop: Shop
    url: str
    lake: Lake
    clock: Clock
    complete: bool = False  # whether the last run left the lake knowing all there is

    @property
    def calls(self) -> int:
        return len(self.shop.requested)

    @property
    def moments(self) -> list[float]:
        """When the calls of the last run came, from its first on."""
        return [round(moment - self.shop.requested[0][0], 3) for moment, _ in self.shop.requested]

    def read(self, script: Script = nothing, **more: Any) -> list[WindowResult]:
        self.shop.begins_a_run(script)
        self.complete = False
        calendar = Calendar(self.shop.today + timedelta(days=1, minutes=15))
        with shop_api(more.pop("url", self.url), self.clock, **more) as api:
            return Syncing(self.lake, SOURCE, calendar).fill(api, "orders", self.shop.today)

    def gets_through(self, script: Script, **more: Any) -> list[float]:
        """The fault is met and overcome. Gives the moments of the calls."""
        self.shop.a_day_passes()
        self._knows_all(self.read(script, **more))
        return self.moments

    def fails(self, kind: type[ApiFailure], script: Script, *parts: str, **more: Any) -> ApiFailure:
        """The fault ends the run, which leaves everything as it was and tells; the next run heals it."""
        self.shop.a_day_passes()
        failure = self.stays_as_it_was(kind, script, *parts, **more)
        self._knows_all(self.read())
        return failure

    def stays_as_it_was(self, kind: type[ApiFailure], script: Script, *parts: str, **more: Any) -> ApiFailure:
        before, began = invariants.seen(self.lake), self.clock.now()
        with pytest.raises(kind) as caught:
            self.read(script, **more)
        assert before
        assert invariants.seen(self.lake) == before
        assert self.clock.now() - began <= 900 + 30  # the patience, and the deadline of a last call
        invariants.fit_for_a_person(caught.value, "Shop", *parts)
        invariants.secret_in_no_failure(KEY, caught.value)
        return caught.value

    def _knows_all(self, filled: list[WindowResult]) -> None:
        assert self.calls >= CALLS
        assert all(KEY.encode() in request for _, request in self.shop.requested)
        (window,) = filled
        assert window.quarantined == 1
        assert len(self.shop.received) > len(set(self.shop.received))
        invariants.nothing_lost_or_twice(self.lake, TABLE, self.shop.orders)
        invariants.nothing_half_done(self.lake)
        invariants.everything_accounted_for(
            self.lake, TABLE, QUARANTINE, window.key, self.shop.received, window.quarantined
        )
        self.complete = True

    def ends(self) -> None:
        """The key is in no file of any run; and what came through changes nothing when it is read once more."""
        invariants.secret_in_no_file(KEY, self.lake)
        if self.complete:
            fields = [*next(iter(self.shop.orders.values())), "payload", "_window", "_deleted"]
            before = invariants.stored_records(self.lake, TABLE, fields)
            self._knows_all(self.read())
            assert invariants.stored_records(self.lake, TABLE, fields) == before


@contextmanager
def reading_of_a_shop(home: Path) -> Iterator[SourceReading]:
    clock = Clock()
    shop = Shop(clock)
    with serving(shop.answer) as url:
        yield SourceReading(shop, url, Lake(home / "lake"), clock)
