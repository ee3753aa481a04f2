"""What of subscriptions counts as monthly recurring revenue, whichever system bills them."""

from typing import Literal

from gtm_platform.policy.rules import Rules


class Subscriptions(Rules):
    """Pauses and discounts in MRR."""

    count_paused_collection: list[Literal["keep_as_draft", "mark_uncollectible", "void"]]
    discounts: Literal["forever_only", "recurring", "all"]
