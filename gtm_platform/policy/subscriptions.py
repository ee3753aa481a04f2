"""What of subscriptions counts as monthly recurring revenue, whichever system bills them."""

from typing import Literal

from gtm_platform.policy.rules import Rules

Pauses = Literal["keep_as_draft", "mark_uncollectible", "void"]
Discounts = Literal["forever_only", "recurring", "all"]


class Subscriptions(Rules):
    """Pauses and discounts in MRR."""

    count_paused_collection: list[Pauses]
    discounts: Discounts
