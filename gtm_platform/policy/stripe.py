"""What of Stripe's subscriptions counts as monthly recurring revenue."""

from typing import Literal

from gtm_platform.policy.rules import Rules


class Stripe(Rules):
    """Pauses and discounts in MRR."""

    count_paused_collection: list[Literal["keep_as_draft", "mark_uncollectible", "void"]]
    discounts: Literal["forever_only", "recurring", "all"]
