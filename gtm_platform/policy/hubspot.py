"""How many records one run may change in HubSpot before it stops and asks."""

from gtm_platform.policy.rules import Count, Rules, Share


class HubSpot(Rules):
    """Writes to HubSpot."""

    max_change_share: Share
    change_min_records: Count
