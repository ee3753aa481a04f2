"""A delivery to HubSpot at its documented limit, by a clock that only waiting moves: what it waits and what it asks."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from gtm_platform.state import open_state
from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.bench.rounds import in_child
from gtm_platform_tests.delivery.hubspot_pace import BURST, needed_writes, pace_of


def measure(effort: Effort) -> Iterator[Row]:
    contacts = effort.of(60_000, 20_000)
    pace = in_child(f"{__name__}:deliver_at_the_limit", contacts=contacts).found
    what = f"{contacts:,} contacts written in {pace['calls']:,} calls"
    limit = f"{BURST.calls} calls in {BURST.seconds:.0f} s"
    yield Row(f"{what}: waited", "s", pace["seconds"], Target("≤", 1.05), limit, pace["allowed"])
    yield Row(f"{what}: refused (429)", "calls", pace["refused"], Target("≤", 0))
    yield Row(f"{what}: writes", "calls", pace["writes"], Target("≤", 1), "full batches", needed_writes(contacts))
    yield Row(f"{what}: the same again", "calls", pace["again"], Target("≤", 0))


def deliver_at_the_limit(contacts: int) -> dict[str, Any]:
    with closing(open_state(f"sqlite:///{Path.cwd() / 'state.db'}")) as state:
        return pace_of(contacts, state)._asdict()


FIGURE = Figure(
    "hubspot",
    "A delivery takes at most 5 % longer than a private app's limit makes it, is never refused, and writes in full "
    "batches.",
    measure,
)
