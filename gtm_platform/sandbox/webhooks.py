"""The sandbox's post office: what happens in the world is sent to whoever registered, signed as each system signs.

Deliveries may be late, come twice or in another order, as real ones do; one that is not taken is sent again after the
system's own delays, on the sandbox's clock. Only addresses of this machine are sent to.
"""

import asyncio
import heapq
import ipaddress
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any
from urllib.parse import urlsplit

import httpx

from gtm_platform.sandbox.clock import SandboxClock
from gtm_platform.sandbox.kit.webhooks import Happening, Webhook, discover

SECONDS_TO_ANSWER = 5.0
AT_ONCE = 8  # deliveries
FOLLOW_SECONDS = 1.0


PUBLIC_URL = "http://127.0.0.1:8000"  # that HubSpot signs, wherever the receiver listens
ENCRYPTION_KEY = "c2FuZGJveC1rZXktb2Ytd2ViaG9va3MtMzItYnl0ZXM="  # made up, as all else here


def receiver_variables() -> dict[str, str]:
    """The variables with which a platform takes the sandbox's webhooks."""
    secrets = {webhook.variable: webhook.secret for webhook in discover()}
    return {**secrets, "GTM_PUBLIC_URL": PUBLIC_URL, "GTM_ENCRYPTION_KEY": ENCRYPTION_KEY}


@dataclass(frozen=True)
class Habits:
    """How deliveries arrive; shares are of 1."""

    late_seconds: float = 0.0  # at most so much after they happened
    twice: float = 0.0  # the share that comes a second time
    shuffled: bool = False
    unsigned: float = 0.0  # the share whose signature is wrong, as of somebody else

    @classmethod
    def parse(cls, wish: Mapping[str, Any]) -> "Habits":
        """Read them as a person gives them; ValueError says what is wrong."""
        habits = cls(**{name: wish[name] for name in cls.__dataclass_fields__ if name in wish})
        shares = (habits.twice, habits.unsigned)
        if not all(isinstance(share, int | float) and 0 <= share <= 1 for share in shares):
            raise ValueError("twice and unsigned are shares: numbers from 0 to 1.")
        if not isinstance(habits.late_seconds, int | float) or habits.late_seconds < 0:
            raise ValueError("late_seconds is a number of seconds, 0 or more.")
        return habits


@dataclass(order=True)
class Letter:
    """A delivery that is due at a moment."""

    due: datetime
    number: int
    webhook: Webhook = field(compare=False)
    happening: Happening = field(compare=False)
    tries: int = field(default=0, compare=False)
    is_forged: bool = field(default=False, compare=False)


class PostOffice:
    """Who registered for which webhooks, what is still to be delivered, and what became of the rest."""

    def __init__(self, clock: SandboxClock) -> None:
        self.clock = clock
        self.webhooks = {webhook.name: webhook for webhook in discover()}
        self.address, self.public_address = "", ""
        self.habits = Habits()
        self.counts: Counter[tuple[str, str]] = Counter()
        self.names: tuple[str, ...] = ()
        self._told_until = clock.world.now
        self._letters: list[Letter] = []
        self._numbers, self._random = count(), Random(clock.world.seed)
        self._follows: asyncio.Task[None] | None = None

    def register(self, wish: Mapping[str, Any]) -> None:
        """Send to an address from now on; ValueError says what is wrong with the wish."""
        address = wish.get("url")
        if not isinstance(address, str) or not _is_of_this_machine(address):
            raise ValueError("url is an address of this machine, such as http://127.0.0.1:8000.")
        names = tuple(wish.get("systems") or self.webhooks)
        if unknown := set(names) - set(self.webhooks):
            raise ValueError(f"No webhook is called {min(unknown)}: choose some of {', '.join(self.webhooks)}.")
        self.habits = Habits.parse(wish)
        self.address, self.names = address.rstrip("/"), names
        self.public_address = str(wish.get("public_url") or PUBLIC_URL).rstrip("/")
        since = wish.get("since")
        self._told_until = datetime.fromisoformat(since) if isinstance(since, str) else self.clock.world.now
        if wish.get("follow") and self._follows is None:
            self._follows = asyncio.get_running_loop().create_task(self._follow())

    def end(self) -> None:
        """Send nothing any more."""
        self.address, self.names = "", ()
        self._letters.clear()
        if self._follows:
            self._follows.cancel()
            self._follows = None

    def report(self) -> dict[str, Any]:
        """What is registered, the variables that a receiver needs, and what became of deliveries."""
        outcomes = [
            {"webhook": name, "outcome": outcome, "deliveries": number}
            for (name, outcome), number in sorted(self.counts.items())
        ]
        return {
            "url": self.address,
            "systems": list(self.names),
            "habits": vars(self.habits),
            "waiting": len(self._letters),
            "outcomes": outcomes,
            "variables": receiver_variables(),
        }

    async def send(self) -> int:
        """Deliver what has happened and is due by now; return how many deliveries that were."""
        self._collect()
        now, due = self.clock.world.now, []
        while self._letters and self._letters[0].due <= now:
            due.append(heapq.heappop(self._letters))
        if self.habits.shuffled:
            self._random.shuffle(due)
        async with httpx.AsyncClient(trust_env=False, timeout=SECONDS_TO_ANSWER) as client:
            for start in range(0, len(due), AT_ONCE):
                await asyncio.gather(*(self._deliver(client, letter, now) for letter in due[start : start + AT_ONCE]))
        return len(due)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            self.clock.tick()
            await self.send()

    def _collect(self) -> None:
        """Write a letter for all that has happened since the last time."""
        since, until = self._told_until, self.clock.world.now
        self._told_until = max(since, until)
        for name in self.names if self.address else ():
            webhook = self.webhooks[name]
            for happening in webhook.happenings(self.clock.world, since, until):
                self._post(webhook, happening)
                if self._random.random() < self.habits.twice:
                    self._post(webhook, happening)

    def _post(self, webhook: Webhook, happening: Happening) -> None:
        late = timedelta(seconds=self._random.uniform(0, self.habits.late_seconds))
        is_forged = self._random.random() < self.habits.unsigned
        letter = Letter(happening.at + late, next(self._numbers), webhook, happening, is_forged=is_forged)
        heapq.heappush(self._letters, letter)

    async def _deliver(self, client: httpx.AsyncClient, letter: Letter, now: datetime) -> None:
        webhook = letter.webhook
        public = f"{self.public_address}/webhooks/{webhook.name}"
        headers = webhook.headers(letter.happening, public, now)
        if letter.is_forged:
            headers = {name: value if name == "content-type" else value[::-1] for name, value in headers.items()}
        try:
            address = f"{self.address}/webhooks/{webhook.name}"
            answer = await client.post(address, content=letter.happening.body, headers=headers)
            outcome = str(answer.status_code)
        except httpx.HTTPError as error:
            outcome = type(error).__name__
        self.counts[webhook.name, outcome] += 1
        if outcome.startswith("2") or letter.is_forged:
            return
        if letter.tries >= len(webhook.delays):
            self.counts[webhook.name, "given up"] += 1
            return
        letter.due, letter.tries = now + webhook.delays[letter.tries], letter.tries + 1
        heapq.heappush(self._letters, letter)


def _is_of_this_machine(address: str) -> bool:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return False
    try:
        return parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        return False
