"""`core/message_tone`: how friendly each message of a customer sounds, judged once and kept.

A text goes in, a tone comes out; who wrote it, and what follows from it, is core/support's.
"""

import ibis

from gtm_platform.core import judged_tones
from gtm_platform.core.messages import customer_messages
from gtm_platform.core.own_words import own_words
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, PreviousDay
from gtm_platform.lake.expressions.days import Day, within
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

BATCH = 10_000  # messages in memory at a time
JUDGED_DAYS = 90  # as far as core/support looks back

CONTRACT = Contract(
    {
        "message_id": Column("string", "The message: the first of a conversation, or a part of one.", nullable=False),
        **judged_tones.COLUMNS,
    },
    key=("message_id",),
    about="The tone of the messages that customers wrote in 90 days.",
    figures={"tone": lambda t: t["tone"].mean()},
)


def table(conversations: ibis.Table, parts: ibis.Table, previous: ibis.Table, policy: Policy, day: Day) -> ibis.Table:
    """Keep the tones of messages that did not change, and judge the others by their writers' own words."""
    messages = customer_messages(conversations, parts)
    messages = messages.filter(within(messages["created_at"], day, JUDGED_DAYS))
    words = messages.select("message_id", body=own_words(messages["body"], policy.support.auto_reply))
    return judged_tones.judged_once(words.filter(words["body"].notnull()), previous, "message_id", BATCH)


TABLE = DailyTable(
    "core/message_tone",
    CONTRACT,
    inputs={
        "conversations": "intercom/conversations",
        "parts": "intercom/conversation_parts",
        "previous": PreviousDay("core/message_tone"),
        "policy": current_policy,
    },
    rule=table,
    eager=True,  # no engine knows how to judge a text
)
