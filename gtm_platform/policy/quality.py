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
