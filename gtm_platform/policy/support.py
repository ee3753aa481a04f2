"""What is critical, and what counts as talk of cancelling. The 90 days of the columns belong to their contract."""

from gtm_platform.policy.rules import Days, Pattern, Rules


class Support(Rules):
    """Conversations and tickets."""

    critical_tags: list[str]
    cancel_words: Pattern
    cancel_days: Days
