"""Who of the customers is a canary, a synthetic one that shows that everything works, and reading without it.

A canary's id begins as no other does, so that a table of any day can be read without knowing who was one.
"""

from typing import Literal

PREFIX = "canary_"  # of their customer ids
SUBJECT = "customer_id"

# How a lake is read: without canaries, with them beside all others, or nobody but them.
Canaries = Literal["hidden", "included", "only"]


def is_canary(customer_id: str) -> bool:
    """Whether a customer's id is a canary's."""
    return customer_id.startswith(PREFIX)


def restricted(template: str, canaries: Canaries) -> str:
    """Return the template of a query that reads only some of its `{rows}`."""
    if canaries == "included":
        return template
    marked = f"coalesce(substr({SUBJECT}, 1, {len(PREFIX)}), '') {'=' if canaries == 'only' else '<>'} '{PREFIX}'"
    return template.replace("{rows}", f"(select * from {{rows}} where {marked})")
