"""`delivery/webhooks`: what became of the messages of each day, by subscription, in the lake and for SQL."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from statistics import median
from typing import Any

import pyarrow as pa

from gtm_platform.delivery.triggers.subscribing import host_of
from gtm_platform.lake.contracts import Column, Contract, declare
from gtm_platform.lake.lake import Lake
from gtm_platform.state import State
from gtm_platform.state.trigger_outbox import DEAD, DELIVERED, WAITING, Message, of_days
from gtm_platform.state.trigger_subscriptions import Subscription, all_subscriptions

TABLE = "delivery/webhooks"
DAYS_THAT_CHANGE = 7  # the days whose messages may still be sent, or sent again

Row = dict[str, Any]


def _count(about: str) -> Column:
    return Column("int64", about, nullable=False, rule=lambda value: value >= 0)


CONTRACT = declare(
    TABLE,
    Contract(
        {
            "day": Column("date", "The day whose changes they say.", nullable=False),
            "subscription_id": Column("string", "To whom.", nullable=False),
            "receiver": Column("string", "Host of the receiver.", nullable=False),
            "messages": _count("Messages about the day."),
            "delivered": _count("Those that the receiver took."),
            "waiting": _count("Those that are tried again."),
            "dead": _count("Those that are tried no more."),
            "attempts": _count("Attempts at all of them."),
            "median_seconds": Column("float64", "From the change being seen to the receiver's word, in the middle."),
        },
        key=("subscription_id",),
        about="What became of the webhooks that say the changes of a day, by subscription.",
        figures={
            "messages": lambda t: t["messages"].sum(),
            "delivered": lambda t: t["delivered"].sum(),
            "dead": lambda t: t["dead"].sum(),
        },
    ),
)


def rows_of(messages: Sequence[Message], receivers: Mapping[str, str]) -> list[Row]:
    """Return a row for each day and subscription."""
    groups: dict[tuple[str, str], list[Message]] = {}
    for message in messages:
        groups.setdefault((message.day, message.subscription_id), []).append(message)
    return [_row(day, id, group, receivers.get(id, "")) for (day, id), group in sorted(groups.items())]


def _row(day: str, subscription_id: str, messages: Collection[Message], receiver: str) -> Row:
    def having(status: str) -> int:
        return sum(each.status == status for each in messages)

    seconds = [
        (each.settled_at - each.at).total_seconds() for each in messages if each.status == DELIVERED and each.settled_at
    ]
    return {
        "day": date.fromisoformat(day),
        "subscription_id": subscription_id,
        "receiver": receiver,
        "messages": len(messages),
        "delivered": having(DELIVERED),
        "waiting": having(WAITING),
        "dead": having(DEAD),
        "attempts": sum(each.attempts for each in messages),
        "median_seconds": median(seconds) if seconds else None,
    }


def write(lake: Lake, state: State, newest: str) -> list[Row]:
    """Write the days that changed of those that can; return the rows of all of them."""
    since = (date.fromisoformat(newest) - timedelta(days=DAYS_THAT_CHANGE - 1)).isoformat()
    with state.reading() as tx:
        messages, subscribed = of_days(tx, since), all_subscriptions(tx)
    rows = rows_of(messages, receivers_of(subscribed))
    schema, kept = CONTRACT.schema.to_pyarrow(), set(lake.partitions(TABLE))
    for day in dict.fromkeys(str(row["day"]) for row in rows):
        of_day = pa.Table.from_pylist([row for row in rows if str(row["day"]) == day], schema=schema)
        if day not in kept or lake.partition(TABLE, day).to_pyarrow().to_pylist() != of_day.to_pylist():
            lake.write(TABLE, day, of_day)
    return rows


def receivers_of(subscribed: Collection[Subscription]) -> dict[str, str]:
    """Return the host of each subscription's receiver."""
    return {each.id: host_of(each.address) for each in subscribed}
