"""How often a source is read whole, and which full refresh is refused."""

from gtm_platform.policy.rules import Count, Days, Rules, Share


class Sync(Rules):
    """Full refreshes: when, and how much they may lose."""

    full_every_days: Days
    max_shrinkage: Share
    shrinkage_min_records: Count
