"""What is critical, and what counts as talk of cancelling. The 90 days of the columns belong to their contract."""

import re

from pydantic import field_validator

from gtm_platform.policy.rules import Days, Rules


class Support(Rules):
    """Conversations and tickets."""

    critical_tags: list[str]
    cancel_words: str
    cancel_days: Days

    @field_validator("cancel_words")
    @classmethod
    def _is_a_pattern(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from None
        return pattern
