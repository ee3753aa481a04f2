"""What the policy says of reading systems, as `ingest` takes it: sources and ingest know nothing of the policy."""

from gtm_platform.ingest.plan import SyncRules
from gtm_platform.policy import policy


def sync_rules() -> SyncRules:
    """Take the rules of syncing from the policy as it is now: sources know none of it."""
    rules = policy()
    return SyncRules(
        **rules.sync.model_dump(), limit_share=rules.limits.share_of, credit_cap=rules.enrichment.monthly_cap.get
    )
