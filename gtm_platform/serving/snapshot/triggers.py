"""What the state says of subscriptions to changes: whom each is about, and what became of its messages."""

from collections.abc import Sequence

from gtm_platform.delivery.triggers.subscribing import host_of
from gtm_platform.serving.snapshot.landing import Row, instant
from gtm_platform.state import State
from gtm_platform.state.trigger_outbox import DEAD, DELIVERED, WAITING, Message, counts, newest
from gtm_platform.state.trigger_subscriptions import REMOVED, all_subscriptions

DEAD_SHOWN = 20  # of each subscription


def triggers_of(state: State) -> list[Row]:
    """Return the subscriptions that were not removed, the oldest first, each with its host only."""
    with state.reading() as tx:
        number = counts(tx)
        subscribed = [each for each in all_subscriptions(tx) if each.status != REMOVED]
        dead = {each.id: newest(tx, DEAD_SHOWN, each.id, DEAD) for each in subscribed}
    return [
        {
            "id": each.id,
            "receiver": host_of(each.address),
            "kinds": list(each.kinds),
            "filters": {name: list(values) for name, values in each.filters.items()},
            "personal": each.personal,
            "status": each.status,
            "why": each.reason,
            "created_at": instant(each.created_at),
            "delivered_at": instant(each.delivered_at) if each.delivered_at else None,
            "failing_since": instant(each.failing_since) if each.failing_since else None,
            **{status: number.get((each.id, status), 0) for status in (DELIVERED, WAITING, DEAD)},
            "dead_letters": _dead_letters(dead[each.id]),
        }
        for each in subscribed
    ]


def _dead_letters(messages: Sequence[Message]) -> list[Row]:
    return [
        {
            "message_id": each.message_id,
            "type": each.type,
            "subject_id": each.subject_id,
            "day": each.day,
            "attempts": each.attempts,
            "at": instant(each.at),
            "error": each.error,
        }
        for each in messages
    ]
