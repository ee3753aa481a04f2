"""How often a source is read whole, which full refresh is refused, and how long a changed schema is warned of."""

from gtm_platform.policy.rules import Count, Days, Rules, Share


class Sync(Rules):
    """Full refreshes: when, and how much they may lose; and changes of what systems send."""

    full_every_days: Days
    max_shrinkage: Share
    shrinkage_min_records: Count
    schema_change_days: Days = 14
