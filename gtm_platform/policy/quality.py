"""How the quality of a customer's data is weighed, and when a source or a count is suspicious."""

from gtm_platform.policy.rules import Hours, Points, Rules, Share


class Quality(Rules):
    """Data quality."""

    completeness: Points
    freshness: Points
    match: Points
    validity: Points
    overdue_hours: Hours
    max_customer_drop: Share
    # Why two systems may differ on what a customer pays without a warning, in the words of quality/mrr_differences.
    accepted_mrr_differences: tuple[str, ...] = (
        "cancelled at period end",
        "paused",
        "trial",
        "currency",
        "discount",
        "one price",
        "one item",
        "billing period",
        "old copy",
        "delay",
        "tax",
        "several systems",
    )
