"""Triggers in a process of their own that is killed at one of its steps: around a transaction or a call."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from gtm_platform.delivery.triggers.compare import Comparer
from gtm_platform.delivery.triggers.sender import Sender
from gtm_platform.delivery.triggers.settings import TriggerSettings
from gtm_platform.delivery.triggers.subjects import Subjects
from gtm_platform.http.public_post import Posted, PublicPoster
from gtm_platform.policy import Triggers
from gtm_platform.state import State
from gtm_platform_tests.delivery.killed_delivery import Steps, quick_state

KEY = "k" * 40
RULES = Triggers(score_points=1, risk_points=1, jitter=0)


def watch(steps: Steps) -> None:
    """Take a step before and after each call to a receiver, and before and after each commit of the state."""
    post, writing = PublicPoster.post, State.writing

    def watched_post(self: PublicPoster, url: str, body: bytes, headers: Mapping[str, str]) -> Posted:
        steps.take()
        posted = post(self, url, body, headers)
        steps.take()
        return posted

    @contextmanager
    def watched_writing(self: State) -> Iterator[Any]:
        with writing(self) as tx:
            yield tx
            steps.take()
        steps.take()

    PublicPoster.post = watched_post  # type: ignore[method-assign]
    State.writing = watched_writing  # type: ignore[method-assign]


def deliver(state_url: str, day: Subjects, now: datetime, last_step: int = 0) -> None:
    """Compare a day and send what is due; be killed at a step."""
    if last_step:
        watch(Steps(last_step))
    state = quick_state(state_url)
    Comparer(state, RULES, now).write(day, "run")
    own = TriggerSettings(trigger_key=KEY, trigger_receivers="also_loopback")
    Sender(state, own, RULES, lambda: now, lambda _: {}).send()
    state.close()


def later(now: datetime) -> datetime:
    """Return a moment at which all that was tried is due again."""
    return now + timedelta(hours=2)
